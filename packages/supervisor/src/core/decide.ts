import {
  type Action,
  isLive,
  isServing,
  type NodeState,
  type Policy,
  type Worker,
} from './model.ts';

export const TICK_MS = 1_000;

export interface Decision {
  actions: Action[];
  /** When something is due next, on the monotonic clock; `Infinity` when nothing is. */
  wakeAtMs: number;
}

/**
 * What to do now to reach the target. Pure: the same state and time give the same actions; the loop
 * performs them and asks again.
 */
export function decide(node: NodeState, policy: Policy, nowMs: number): Decision {
  const actions: Action[] = [];
  const due = new Due(nowMs);
  for (const worker of node.workers) deadlines(node, worker, policy, due, actions);
  if (node.stopping) return { actions: [...actions, ...stop(node)], wakeAtMs: due.nextMs };
  if (!node.draining) actions.push(...reach(node, policy, due));
  return { actions, wakeAtMs: due.nextMs };
}

/** Collects the next time at which something happens by itself. */
class Due {
  readonly nowMs: number;
  nextMs = Infinity;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  /** Whether `atMs` has come; remembers it when not. */
  passed(atMs: number): boolean {
    if (atMs <= this.nowMs) return true;
    this.nextMs = Math.min(this.nextMs, atMs);
    return false;
  }
}

function deadlines(
  node: NodeState,
  worker: Worker,
  policy: Policy,
  due: Due,
  actions: Action[],
): void {
  const { at } = worker;
  if (at.phase === 'starting' && due.passed(at.sinceMs + policy.startMs))
    actions.push({ do: 'kill', worker, reason: `not ready within ${policy.startMs} ms` });
  if (at.phase === 'proving' && due.passed(at.sinceMs + policy.proveMs) && !node.draining)
    actions.push({ do: 'serve', worker });
  if (at.phase === 'retiring' && !at.killed && due.passed(at.killAtMs))
    actions.push({ do: 'kill', worker, reason: 'deadline' });
  const hung = policy.hangMs > 0 && worker.beats && silentMs(worker) >= policy.hangMs;
  if (hung && (at.phase === 'serving' || at.phase === 'proving'))
    actions.push({ do: 'diagnose', worker });
}

/**
 * How long the worker's event loop has not turned, at the least: the first tick may have come just
 * after a heartbeat, and the second before the next one was due.
 */
const silentMs = ({ missedTicks }: Worker): number => (missedTicks - 2) * TICK_MS;

function stop(node: NodeState): Action[] {
  const { reason, exitCode } = node.stopping!;
  if (node.workers.every(({ at }) => at.phase === 'gone'))
    return [{ do: 'halt', code: exitCode, reason }];
  return node.workers.filter(isLive).map((worker) => ({ do: 'retire', worker, reason }));
}

/** Whether a worker is to be replaced by a newer one. */
const isStale = (node: NodeState, worker: Worker): boolean =>
  worker.worn !== undefined ||
  (node.rollout !== undefined && worker.generation !== node.rollout.generation);

/** Nothing of a reload has proved itself yet: every old worker stays, also where fewer are wanted. */
const isUnsure = ({ rollout, paused }: NodeState, kept: Worker[]): boolean =>
  rollout?.promoted === 0 &&
  !paused &&
  !kept.some((worker) => worker.generation === rollout.generation && isServing(worker));

/** Starts what is missing, retires what is too many: one rule for scale, crash, reload and wear. */
function reach(node: NodeState, policy: Policy, due: Due): Action[] {
  const newest = node.rollout?.generation ?? node.generation;
  const want = node.paused ? 0 : node.target;
  const live = node.workers.filter(isLive);
  // A generation that was given up: whatever of it still runs goes.
  const discarded = live.filter((worker) => worker.generation > newest);
  const kept = live.filter((worker) => worker.generation <= newest);
  const fresh = kept.filter((worker) => !isStale(node, worker));
  const retire = (worker: Worker, reason: string): Action => ({ do: 'retire', worker, reason });
  const actions = discarded.map((worker) => retire(worker, 'discarded'));

  const stale = kept.length - fresh.length;
  const unsure = isUnsure(node, kept);
  const unproved = fresh.filter((worker) => !isServing(worker)).length;
  const room = (unsure ? Math.max(want, stale) : want) + policy.surge - kept.length;
  const lanes = stale > 0 && policy.parallel > 0 ? policy.parallel - unproved : Infinity;
  const missing = Math.min(want - fresh.length, room, lanes);
  const recent = node.crashes.filter((atMs) => due.nowMs - atMs < policy.restartWindowMs).length;
  if (missing > 0 && recent > policy.restartLimit && kept.length === 0)
    return [{ do: 'halt', code: 1, reason: limitReason(recent, policy) }];
  if (missing > 0 && due.passed(node.notBeforeMs)) {
    for (let i = 0; i < missing; i += 1) actions.push({ do: 'spawn', generation: newest });
  }

  const serving = kept.filter(isServing);
  const surplus = [...serving].sort((a, b) => rank(node, a) - rank(node, b) || b.id - a.id);
  // One after the other: two that move their connections at once are each twice as long at it.
  const moving = node.workers.some(
    ({ at, movesUntilMs = 0 }) => at.phase === 'retiring' && !due.passed(movesUntilMs),
  );
  const many = want === 0 ? serving.length : moving || unsure ? 0 : 1;
  for (const worker of surplus.slice(0, Math.min(many, Math.max(0, serving.length - want))))
    actions.push(retire(worker, retireReason(node, worker)));
  // Too many that do not serve yet, after a scale down: the youngest go first.
  const waiting = fresh.filter((worker) => !isServing(worker)).sort((a, b) => b.id - a.id);
  for (const worker of waiting.slice(0, Math.max(0, fresh.length - want)))
    actions.push(retire(worker, 'scale'));

  if (actions.length > 0) return actions;
  const done = stale === 0 && serving.length >= want;
  if (node.rollout && done) return [{ do: 'complete' }];
  return node.reloadPending && !node.rollout ? [{ do: 'reload' }] : [];
}

/** Worn and older workers are retired before newer ones. */
const rank = (node: NodeState, worker: Worker): number =>
  isStale(node, worker) ? worker.generation : 1e9 + worker.generation;

function retireReason(node: NodeState, worker: Worker): string {
  if (node.paused) return 'paused';
  if (node.rollout && worker.generation !== node.rollout.generation) return 'reload';
  return worker.worn ?? 'scale';
}

const limitReason = (crashes: number, policy: Policy): string =>
  `${crashes} crashes within ${policy.restartWindowMs} ms (restartLimit ${policy.restartLimit})`;
