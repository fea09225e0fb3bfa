import type { Durations } from './durations.ts';
import { CHANCES, type FinishCurve } from './finish-curve.ts';
import type { Lease } from './lease.ts';
import type { Ledger } from './ledger.ts';
import type { Tally } from './tally.ts';

/** Durations that must have been measured before anything is said. */
const MINIMUM = 20;
/** Nothing is said of work so old that less than this many of its age were to be expected in all. */
const UNHEARD = 0.05;
/** Ages are taken together four to an octave. */
const AGES_PER_OCTAVE = 4;
const FRESH_MS = 100;

/** When the last lease will have ended, in milliseconds from now; `null`, with a reason, when unknown. */
export interface FinishEstimate {
  p50Ms: number | null;
  p90Ms: number | null;
  p99Ms: number | null;
  /** Why there is no estimate. */
  reason?: string;
}

/** Leases of one sketch and about one age. */
interface Group {
  durations: Durations;
  count: number;
  ageMs: number;
}

/**
 * The quantiles of the time until the last lease ends, given how old each is. Leases are taken to
 * end independently of each other: the chance that all have ended is the product of their chances.
 * Costs some 30 ns a lease.
 */
export function finishQuantilesMs(
  ledger: Ledger,
  quantiles: readonly number[],
  nowMs: number = performance.now(),
): { ms: number[] } | { reason: string } {
  if (ledger.inFlight === 0) return { ms: quantiles.map(() => 0) };
  const groups = group(ledger, nowMs);
  for (const { durations, ageMs, kind } of groups) {
    if (durations.count < MINIMUM)
      return {
        reason: `only ${durations.count} of ${MINIMUM} measured durations of kind ${kind}`,
      };
    if (durations.expectedAbove(ageMs) < UNHEARD)
      return { reason: `a lease of kind ${kind} is far older than any that has ended` };
  }
  return { ms: quantiles.map((quantile) => solve(groups, quantile)) };
}

interface Known {
  atMs: number;
  estimate: FinishEstimate;
  curveMs: FinishCurve | null;
}

const cache = new WeakMap<Ledger, Known>();
const IDLE: Known = {
  atMs: 0,
  estimate: { p50Ms: 0, p90Ms: 0, p99Ms: 0 },
  curveMs: CHANCES.map(() => 0),
};

/** The estimate of `finishQuantilesMs` as p50, p90 and p99, at most 100 ms old. */
export function estimateFinish(ledger: Ledger): FinishEstimate {
  return look(ledger).estimate;
}

/** The same at each of `CHANCES`, from which a node makes one estimate for all its processes. */
export function finishCurveMs(ledger: Ledger): FinishCurve | null {
  return look(ledger).curveMs;
}

/** One curve, of a process or of a node, in the three figures that people read. */
export function estimateOf(curveMs: FinishCurve | null, reason?: string): FinishEstimate {
  const of = (chance: (typeof CHANCES)[number]): number | null =>
    curveMs?.[CHANCES.indexOf(chance)] ?? null;
  const estimate = { p50Ms: of(0.5), p90Ms: of(0.9), p99Ms: of(0.99) };
  return reason === undefined ? estimate : { ...estimate, reason };
}

function look(ledger: Ledger): Known {
  if (ledger.inFlight === 0) return IDLE;
  const nowMs = performance.now();
  const before = cache.get(ledger);
  if (before && nowMs - before.atMs < FRESH_MS) return before;
  const found = finishQuantilesMs(ledger, CHANCES, nowMs);
  const curveMs = 'ms' in found ? found.ms : null;
  const reason = 'ms' in found ? undefined : found.reason;
  const known = { atMs: nowMs, estimate: estimateOf(curveMs, reason), curveMs };
  cache.set(ledger, known);
  return known;
}

/** The time that one lease still needs with probability `quantile`; null while that is unknown. */
export function remainingMs(
  ledger: Ledger,
  lease: Lease,
  quantile: number,
  nowMs: number = performance.now(),
): number | null {
  const durations = sketch(ledger.tally(lease.kind), lease.label);
  const ageMs = nowMs - lease.startedMs;
  if (durations.count < MINIMUM || durations.expectedAbove(ageMs) < UNHEARD) return null;
  return solve([{ durations, count: 1, ageMs }], quantile);
}

function sketch(tally: Tally, label: string | undefined): Durations {
  const own = label === undefined ? undefined : tally.labels.get(label);
  return own && own.count >= MINIMUM ? own : tally.durations;
}

function group(ledger: Ledger, nowMs: number): (Group & { kind: string })[] {
  const bySketch = new Map<Durations, Map<number, Group & { kind: string }>>();
  for (const lease of ledger.leases) {
    const { kind, label } = lease;
    const durations = sketch(ledger.tally(kind), label);
    const ageMs = Math.max(0, nowMs - lease.startedMs);
    const age = ageMs <= 1 ? 0 : (Math.log2(ageMs) * AGES_PER_OCTAVE) | 0;
    let ages = bySketch.get(durations);
    if (!ages) bySketch.set(durations, (ages = new Map()));
    const group = ages.get(age);
    if (!group) ages.set(age, { durations, kind, count: 1, ageMs });
    else {
      group.count += 1;
      group.ageMs += (ageMs - group.ageMs) / group.count;
    }
  }
  return Array.from(bySketch.values(), (ages) => Array.from(ages.values())).flat();
}

/** The time at which all leases have ended with probability `quantile`, to within 1 %. */
function solve(groups: readonly Group[], quantile: number): number {
  const alive = groups.map(({ durations, ageMs }) => durations.survival(ageMs));
  const wanted = Math.log(quantile);
  const reached = (ms: number): boolean => {
    let sum = 0;
    for (let i = 0; i < groups.length; i += 1) {
      const { durations, ageMs, count } = groups[i]!;
      sum += count * Math.log1p(-durations.survival(ageMs + ms) / alive[i]!);
      if (sum < wanted) return false;
    }
    return true;
  };
  let high = 1;
  while (!reached(high) && high < 2 ** 40) high *= 2;
  let low = high === 1 ? 0 : high / 2;
  while (high - low > Math.max(0.01 * high, 0.1)) {
    const middle = (low + high) / 2;
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return high;
}
