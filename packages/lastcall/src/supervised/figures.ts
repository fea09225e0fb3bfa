import { estimateFinishMs } from '../ledger/estimate.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SupervisedLifecycle } from './lifecycle.ts';
import type { Figures } from './protocol.ts';

/** The figures of this worker, now. */
export function figuresOf(lifecycle: SupervisedLifecycle, drainingSinceMs: number | null): Figures {
  const now = performance.now();
  const outcomes: Figures['outcomes'] = {};
  const refused: Figures['refused'] = {};
  for (const tally of lifecycle.ledger.tallies) {
    outcomes[tally.kind] = { ...tally.outcomes };
    if (tally.refused > 0) refused[tally.kind] = tally.refused;
  }
  const deadline = lifecycle.deadlineAtMs;
  return {
    state: lifecycle.state,
    epoch: lifecycle.epoch,
    inFlight: lifecycle.inFlight,
    inFlightByKind: lifecycle.ledger.inFlightByKind(),
    outcomes,
    refused,
    drainingForMs: drainingSinceMs === null ? null : now - drainingSinceMs,
    estimateMs: estimateFinishMs(lifecycle.ledger as Ledger).ms,
    deadlineInMs: deadline === undefined ? null : Math.max(0, deadline - now),
    rssBytes: process.memoryUsage.rss(),
  };
}
