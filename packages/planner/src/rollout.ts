import { PlannerError } from './errors.ts';

/** How a service is rolled out. Times are milliseconds. */
export interface Rollout {
  /** Nodes (pods) of the service. */
  nodes: number;
  /** Requests a second to the whole service. */
  ratePerSecond: number;
  /** Nodes beyond `nodes` that may exist while old ones are replaced. */
  surge: number;
  /** Nodes below `nodes` that may be missing. */
  unavailable: number;
  /** From the start of a new node until it is ready. */
  startMs: number;
  /** How long a preStop hook takes, in which the old node serves on. */
  preStopMs: number;
  /** From the stop signal until routing has moved away; the node serves on meanwhile. */
  leaveMs: number;
  /** From the stop signal to the deadline; `leaveMs` is part of it. */
  graceMs: number;
  /** From the last end of work to the exit. */
  exitMs: number;
}

/** Throws `ERR_PLANNER_OPTION` for what cannot be. */
export function expectRollout(rollout: Rollout): void {
  for (const [name, value] of Object.entries(rollout) as [string, number][])
    if (!Number.isFinite(value) || value < 0)
      throw wrong(name, 'a number of 0 or more', String(value));
  const { nodes, surge, unavailable, leaveMs, graceMs, ratePerSecond } = rollout;
  for (const [name, value] of Object.entries({ nodes, surge, unavailable }))
    if (!Number.isInteger(value)) throw wrong(name, 'a whole number', String(value));
  if (nodes < 1) throw wrong('nodes', 'at least 1', String(nodes));
  if (ratePerSecond <= 0) throw wrong('rate', 'more than 0 requests a second', '0');
  if (surge + unavailable === 0)
    throw wrong(
      'surge and unavailable',
      'at least one of them above 0',
      '0 and 0: nothing could move',
    );
  if (unavailable > nodes)
    throw wrong('unavailable', `at most nodes (${nodes})`, String(unavailable));
  if (leaveMs > graceMs)
    throw wrong(
      'leave',
      `at most the grace of ${graceMs} ms, of which it is a part`,
      `${leaveMs} ms`,
    );
}

const wrong = (name: string, expected: string, got: string): PlannerError =>
  new PlannerError('ERR_PLANNER_OPTION', `${name}: expected ${expected}; got ${got}.`);
