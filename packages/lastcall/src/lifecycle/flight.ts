import { estimateFinish, type FinishEstimate } from '../ledger/estimate.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { OUTCOMES, type Outcome } from '../ledger/outcome.ts';
import type { Counters } from '../telemetry/counters.ts';
import type { FlightPhase, FlightRecord } from '../telemetry/flight-record.ts';
import type { StopRecord } from './record.ts';
import type { Stop } from './stop.ts';

interface Counts {
  outcomes: Record<Outcome, number>;
  refused: number;
}

/** Takes down one stop while it happens. */
export class Flight {
  readonly #stop: Stop;
  readonly #ledger: Ledger;
  readonly #counters: Counters;
  readonly #name: string;
  readonly #before: Counts;
  readonly #lateBefore: number;
  readonly #byKind: Record<string, number>;
  readonly #phases: { state: string; atMs: number }[] = [];
  #estimate: FinishEstimate | undefined;
  #drainAtMs: number | undefined;
  #drainedAtMs: number | undefined;

  constructor(stop: Stop, ledger: Ledger, counters: Counters, name: string) {
    this.#stop = stop;
    this.#ledger = ledger;
    this.#counters = counters;
    this.#name = name;
    this.#before = count(ledger);
    this.#lateBefore = counters.lateArrivals;
    this.#byKind = ledger.inFlightByKind();
  }

  /** A state was entered. What was in flight when the drain began is what the estimate is held against. */
  enter(state: string, atMs: number): void {
    this.#phases.push({ state, atMs });
    if (state !== 'draining') return;
    this.#drainAtMs = atMs;
    this.#estimate = estimateFinish(this.#ledger);
    void this.#ledger.idle().then(() => {
      this.#drainedAtMs = performance.now();
    });
  }

  /** The record as it stands; `account` is that of a stop that was not undone. */
  record(result: 'stopped' | 'undone', account?: StopRecord): FlightRecord {
    const nowMs = performance.now();
    const since = (ms: number): number => Math.round(ms - this.#stop.startedMs);
    const now = count(this.#ledger);
    const outcomes = { ...now.outcomes };
    for (const outcome of OUTCOMES) outcomes[outcome] -= this.#before.outcomes[outcome];
    const { p50Ms = null, p90Ms = null, p99Ms = null, reason } = this.#estimate ?? {};
    const drained = this.#drainAtMs !== undefined && this.#drainedAtMs !== undefined;
    return {
      version: 1,
      name: this.#name,
      pid: process.pid,
      reason: this.#stop.reason,
      result,
      startedAt: this.#stop.startedAt.toISOString(),
      durationMs: since(nowMs),
      graceMs: since(this.#stop.deadlineMs),
      phases: this.#phases.map(({ state, atMs }, i): FlightPhase => {
        const endMs = this.#phases[i + 1]?.atMs ?? nowMs;
        return { state, atMs: since(atMs), durationMs: Math.round(endMs - atMs) };
      }),
      inFlightAtStart: this.#stop.inFlightAtStart,
      inFlightByKind: this.#byKind,
      outcomes,
      refused: now.refused - this.#before.refused,
      lateArrivals: this.#counters.lateArrivals - this.#lateBefore,
      estimate: {
        p50Ms: round(p50Ms),
        p90Ms: round(p90Ms),
        p99Ms: round(p99Ms),
        ...(reason === undefined ? {} : { reason }),
        factMs: drained ? Math.round(this.#drainedAtMs! - this.#drainAtMs!) : null,
      },
      exitCode: account?.exitCode ?? null,
      failure: account?.failure?.message ?? null,
    };
  }
}

const round = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));

function count(ledger: Ledger): Counts {
  const outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
    Outcome,
    number
  >;
  let refused = 0;
  for (const tally of ledger.tallies) {
    refused += tally.refused;
    for (const outcome of OUTCOMES) outcomes[outcome] += tally.outcomes[outcome];
  }
  return { outcomes, refused };
}
