import { localNode, type NodeStatus } from '../endpoints/node.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { State } from '../lifecycle/state.ts';
import { remainingMs } from '../ledger/estimate.ts';
import type { MovedCounts } from '../moving/wire.ts';
import type { Figures, WireStatus, WorkItem } from './protocol.ts';

/** The figures of this worker, now. */
export function figuresOf(lifecycle: Lifecycle, moved: MovedCounts): Figures {
  const outcomes: Figures['outcomes'] = {};
  const refused: Figures['refused'] = {};
  for (const tally of lifecycle.ledger.tallies) {
    outcomes[tally.kind] = { ...tally.outcomes };
    if (tally.refused > 0) refused[tally.kind] = tally.refused;
  }
  const status = localNode(lifecycle).status() as NodeStatus;
  return {
    ...toWire(status),
    outcomes,
    refused,
    lateArrivals: lifecycle.counters.lateArrivals,
    estimate: lifecycle.estimate,
    rssBytes: rssBytes(),
    moved,
  };
}

let knownBytes = 0;

/** Read from a file: a process that has no descriptor left must not end for that. */
function rssBytes(): number {
  try {
    knownBytes = process.memoryUsage.rss();
  } catch {
    // What it was before is near enough.
  }
  return knownBytes;
}

const OLDEST = 25;

/** The oldest work of this worker, oldest first. */
export function oldestWork({ ledger }: Lifecycle): WorkItem[] {
  const nowMs = performance.now();
  const items: WorkItem[] = [];
  for (const lease of ledger.leases) {
    if (items.length === OLDEST) break;
    items.push({
      kind: lease.kind,
      label: lease.label ?? null,
      ageMs: nowMs - lease.startedMs,
      p50Ms: remainingMs(ledger, lease, 0.5, nowMs),
      p90Ms: remainingMs(ledger, lease, 0.9, nowMs),
    });
  }
  return items;
}

/** A date becomes a time from now: the two processes share no clock that is safe to send. */
function toWire({ deadlineAt, ...status }: NodeStatus): WireStatus {
  const left = deadlineAt === undefined ? null : Math.max(0, deadlineAt.getTime() - Date.now());
  return { ...status, deadlineInMs: left };
}

export function fromWire({ deadlineInMs, curveMs = null, ...status }: WireStatus): NodeStatus {
  const deadlineAt = deadlineInMs === null ? undefined : new Date(Date.now() + deadlineInMs);
  return { ...status, curveMs, state: status.state as State, deadlineAt };
}
