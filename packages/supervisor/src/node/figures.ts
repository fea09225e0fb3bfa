import {
  CHANCES,
  type Figures,
  type FinishCurve,
  joinFinish,
  type WireStatus,
} from 'lastcall/supervised';

/** From the least to the most advanced: the node is as far as its least advanced worker. */
const ORDER = ['ready', 'starting', 'leaving', 'draining', 'cancelling', 'closing', 'stopped'];

/**
 * The figures of the node. Its state is that of the workers in `serving`; work still running in
 * workers that retire is counted, but their state is their own affair. Work that is moved while the
 * figures are collected may be in two of them or in none: `countedTwice`, by kind, is taken off.
 */
export function sumFigures(
  serving: readonly WireStatus[],
  retiring: readonly WireStatus[],
  countedTwice: Readonly<Record<string, number>> = {},
): WireStatus {
  const all = [...serving, ...retiring];
  const inFlightByKind: Record<string, number> = {};
  for (const { inFlightByKind: kinds } of all)
    for (const [kind, count] of Object.entries(kinds))
      inFlightByKind[kind] = (inFlightByKind[kind] ?? 0) + count;
  for (const [kind, count] of Object.entries(countedTwice)) {
    const left = (inFlightByKind[kind] ?? 0) - count;
    if (left > 0) inFlightByKind[kind] = left;
    else delete inFlightByKind[kind];
  }
  const twice = Object.values(countedTwice).reduce((sum, count) => sum + count, 0);
  const speaking = serving.length > 0 ? serving : retiring;
  const rank = Math.min(...speaking.map(({ state }) => ORDER.indexOf(state)));
  const known = speaking.map(({ deadlineInMs }) => deadlineInMs).filter((ms) => ms !== null);
  const curveMs = curveOf(all);
  const reason = all.find(
    ({ inFlight, estimateMs }) => inFlight > 0 && estimateMs === null,
  )?.reason;
  return {
    state: speaking.length === 0 ? 'starting' : (ORDER[rank] ?? 'starting'),
    inFlight: all.reduce((sum, { inFlight }) => sum + inFlight, -twice),
    inFlightByKind,
    shutdownSeconds: Math.max(0, ...speaking.map(({ shutdownSeconds }) => shutdownSeconds)),
    deadlineInMs: known.length === 0 ? null : Math.max(...known),
    estimateMs: curveMs?.[CHANCES.indexOf(0.9)] ?? null,
    curveMs,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The node has finished when its last worker has; unknown while one of them knows nothing. */
function curveOf(all: readonly WireStatus[]): FinishCurve | null {
  const curves: FinishCurve[] = [];
  for (const { inFlight, estimateMs, curveMs } of all) {
    if (inFlight === 0) continue;
    if (estimateMs === null) return null;
    curves.push(curveMs ?? CHANCES.map(() => estimateMs));
  }
  return CHANCES.map((chance) => joinFinish(curves, chance));
}

/** Work of some kinds that a worker has ended, however it ended. */
export function endedWork({ outcomes }: Figures, kinds: (kind: string) => boolean): number {
  return Object.entries(outcomes)
    .filter(([kind]) => kinds(kind))
    .flatMap(([, byOutcome]) => Object.values(byOutcome))
    .reduce((sum, count) => sum + count, 0);
}

/** What became of work. */
export interface Account {
  outcomes: Record<string, number>;
  refused: number;
  lateArrivals: number;
}

/** What became of work, added up over workers. */
export class WorkAccount implements Account {
  readonly outcomes: Record<string, number> = {};
  refused = 0;
  lateArrivals = 0;

  add({ outcomes, refused, lateArrivals }: Figures): void {
    for (const byOutcome of Object.values(outcomes)) this.#addOutcomes(byOutcome);
    for (const count of Object.values(refused)) this.refused += count;
    this.lateArrivals += lateArrivals;
  }

  addAccount({ outcomes, refused, lateArrivals }: Account): void {
    this.#addOutcomes(outcomes);
    this.refused += refused;
    this.lateArrivals += lateArrivals;
  }

  #addOutcomes(outcomes: Readonly<Record<string, number>>): void {
    for (const [outcome, count] of Object.entries(outcomes))
      this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + count;
  }
}
