// Replays traffic through a real ledger on a virtual clock, and asks for estimates at many moments.
import { Ledger } from '../../packages/lastcall/src/ledger/ledger.ts';
import type { Lease } from '../../packages/lastcall/src/ledger/lease.ts';
import { finishQuantilesMs } from '../../packages/lastcall/src/ledger/estimate.ts';
import { DrainLaw } from './oracle.ts';
import type { Survival } from './truth.ts';

export interface Arrival {
  atMs: number;
  tookMs: number;
  label?: string;
}

/** One moment at which a drain could have begun. */
export interface Drain {
  inFlight: number;
  /** When the last of the work in flight really ended. */
  tookMs: number;
  /** The estimates for `QUANTILES`; undefined when there was none. */
  estimates: number[] | undefined;
  /** The law of `tookMs`, as one knows it who knows the true law of the durations. */
  law: DrainLaw;
}

export const QUANTILES = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99] as const;

type Truth = (label: string | undefined) => Survival;

/** `arrivals` in order of time; a drain is looked at after each `everyMs`, once `warmUp` have ended. */
export function replay(
  arrivals: Iterable<Arrival>,
  everyMs: number,
  warmUp: number,
  truth: Truth,
): Drain[] {
  const ledger = new Ledger();
  const open = new Ends();
  const drains: Drain[] = [];
  let ended = 0;
  let nextMs = everyMs;
  const advance = (toMs: number): void => {
    for (let first = open.first; first && first.endMs <= toMs; first = open.first) {
      open.take();
      first.lease.end('completed', first.endMs);
      ended += 1;
    }
  };
  for (const { atMs, tookMs, label } of arrivals) {
    for (; nextMs < atMs; nextMs += everyMs) {
      advance(nextMs);
      if (ended >= warmUp && ledger.inFlight > 0) drains.push(look(ledger, open, nextMs, truth));
    }
    advance(atMs);
    const lease = ledger.open({ kind: 'request', ...(label ? { label } : {}) }, atMs);
    open.add({ lease, endMs: atMs + tookMs });
  }
  return drains;
}

function look(ledger: Ledger, open: Ends, nowMs: number, truth: Truth): Drain {
  const found = finishQuantilesMs(ledger, QUANTILES, nowMs);
  const seen = Array.from(ledger.leases, ({ label, startedMs }) => ({
    ageMs: nowMs - startedMs,
    survival: truth(label),
  }));
  return {
    inFlight: ledger.inFlight,
    tookMs: open.lastMs - nowMs,
    estimates: 'ms' in found ? found.ms : undefined,
    law: new DrainLaw(seen),
  };
}

interface End {
  lease: Lease;
  endMs: number;
}

/** Open leases by the time they end: a binary heap. */
class Ends {
  readonly #heap: End[] = [];

  get first(): End | undefined {
    return this.#heap[0];
  }

  get lastMs(): number {
    return this.#heap.reduce((last, { endMs }) => Math.max(last, endMs), 0);
  }

  add(end: End): void {
    const heap = this.#heap;
    let i = heap.push(end) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.endMs <= end.endMs) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = end;
  }

  take(): void {
    const heap = this.#heap;
    const end = heap.pop();
    if (!end || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.endMs < heap[child]!.endMs) child += 1;
      if (heap[child]!.endMs >= end.endMs) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = end;
  }
}
