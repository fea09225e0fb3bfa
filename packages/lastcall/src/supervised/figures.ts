import { localNode, type NodeStatus } from '../endpoints/node.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { State } from '../lifecycle/state.ts';
import type { Figures, WireStatus } from './protocol.ts';

/** The figures of this worker, now. */
export function figuresOf(lifecycle: Lifecycle): Figures {
  const outcomes: Figures['outcomes'] = {};
  const refused: Figures['refused'] = {};
  for (const tally of lifecycle.ledger.tallies) {
    outcomes[tally.kind] = { ...tally.outcomes };
    if (tally.refused > 0) refused[tally.kind] = tally.refused;
  }
  const status = localNode(lifecycle).status() as NodeStatus;
  return { ...toWire(status), outcomes, refused, rssBytes: process.memoryUsage.rss() };
}

/** A date becomes a time from now: the two processes share no clock that is safe to send. */
function toWire({ deadlineAt, ...status }: NodeStatus): WireStatus {
  const left = deadlineAt === undefined ? null : Math.max(0, deadlineAt.getTime() - Date.now());
  return { ...status, deadlineInMs: left };
}

export function fromWire({ deadlineInMs, ...status }: WireStatus): NodeStatus {
  const deadlineAt = deadlineInMs === null ? undefined : new Date(Date.now() + deadlineInMs);
  return { ...status, state: status.state as State, deadlineAt };
}
