/** Upper edges of the drain histogram's buckets, in seconds. */
export const DRAIN_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] as const;

/** What the lifecycle counts besides its work. */
export class Counters {
  /** Work that arrived after readiness went false. */
  lateArrivals = 0;
  /** Signals that came without a preStop hook or an operator's call before them. */
  sigtermWithoutPrestop = 0;
  /** Ends of drains by outcome: `completed`, `timeout`, `undone`. */
  readonly drains: Record<string, number> = { completed: 0, timeout: 0, undone: 0 };
  /** Cumulative counts per bucket of `DRAIN_BUCKETS`, the last one for +Inf. */
  readonly drainBuckets: number[] = Array.from({ length: DRAIN_BUCKETS.length + 1 }, () => 0);
  drainSum = 0;
  lastDrainSeconds = 0;

  drained(status: string, seconds: number): void {
    this.drains[status] = (this.drains[status] ?? 0) + 1;
    if (status === 'undone') return;
    this.lastDrainSeconds = seconds;
    this.drainSum += seconds;
    for (let i = 0; i < DRAIN_BUCKETS.length; i += 1)
      if (seconds <= DRAIN_BUCKETS[i]!) this.drainBuckets[i]! += 1;
    this.drainBuckets[DRAIN_BUCKETS.length]! += 1;
  }
}
