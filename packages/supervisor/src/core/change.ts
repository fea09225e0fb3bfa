import type { NodeState, Phase, Policy, Worker } from './model.ts';

/** Adds a worker that has just been started. */
export function addWorker(node: NodeState, generation: number, nowMs: number): Worker {
  const id = node.nextWorkerId++;
  const at: Phase = { phase: 'starting', sinceMs: nowMs };
  const worker: Worker = { id, name: `w${id}`, generation, at, missedTicks: 0, beats: false };
  node.workers.push(worker);
  return worker;
}

/** The worker has told, or a probe has found, that it is ready. */
export function workerReady(node: NodeState, worker: Worker, nowMs: number): void {
  if (worker.at.phase !== 'starting') return;
  worker.at = { phase: 'proving', sinceMs: nowMs };
  node.everReady = true;
}

/** The worker has proved itself: it counts from now on. */
export function workerServes(worker: Worker, nowMs: number): void {
  worker.at = { phase: 'serving', sinceMs: nowMs };
}

/** The worker is told to finish; it is killed at `killAtMs`. */
export function workerRetires(
  node: NodeState,
  worker: Worker,
  reason: string,
  nowMs: number,
  killAtMs: number,
): void {
  if (node.rollout && worker.at.phase === 'serving' && reason === 'reload')
    node.rollout.promoted += 1;
  worker.at = { phase: 'retiring', sinceMs: nowMs, reason, killAtMs, killed: false };
}

/**
 * The worker has failed: it ended by itself, was never ready, or did not pass its check. What
 * follows depends on when: at boot the node gives up, the first worker of a new generation takes
 * the whole reload back, any other is started again after a pause.
 */
export function workerFailed(
  node: NodeState,
  policy: Policy,
  worker: Worker,
  why: string,
  nowMs: number,
): 'boot' | 'discarded' | 'crash' {
  const proved = worker.at.phase === 'serving';
  if (!node.everReady) {
    node.stopping ??= { mode: 'quick', reason: `${worker.name} ${why}`, exitCode: 5 };
    return 'boot';
  }
  const { rollout } = node;
  if (!proved && rollout?.generation === worker.generation && rollout.promoted === 0) {
    endRollout(node, false, `${worker.name} ${why}`, nowMs);
    return 'discarded';
  }
  crash(node, policy, nowMs);
  return 'crash';
}

function crash(node: NodeState, policy: Policy, nowMs: number): void {
  node.crashes = node.crashes.filter((atMs) => nowMs - atMs < policy.restartWindowMs);
  node.crashes.push(nowMs);
  const many = node.crashes.length;
  // The first restart is at once: a single crash should cost no more than a boot.
  const pause = many === 1 ? 0 : policy.backoffMs * 2 ** (many - 2);
  const overLimit = many > policy.restartLimit;
  node.notBeforeMs =
    nowMs + (overLimit ? policy.backoffMaxMs : Math.min(pause, policy.backoffMaxMs));
  if (overLimit && node.rollout) {
    node.generation = node.rollout.generation;
    endRollout(node, false, `${many} crashes; the rest of the old workers stay`, nowMs);
  }
}

/** Begins to replace all workers by a new generation; asked for during one, it is remembered. */
export function beginRollout(node: NodeState, nowMs: number): number | undefined {
  if (node.rollout || node.draining) {
    node.reloadPending = true;
    return undefined;
  }
  node.reloadPending = false;
  node.paused = false;
  const generation = node.nextGeneration++;
  node.rollout = { generation, startedMs: nowMs, promoted: 0 };
  return generation;
}

/** The new generation wants another number of workers; it holds only if the generation does. */
export function rolloutWants(node: NodeState, wanted: number): void {
  if (node.rollout) node.rollout.target = { before: node.target, wanted };
  node.target = wanted;
}

export function endRollout(node: NodeState, ok: boolean, message: string, nowMs: number): void {
  const { rollout } = node;
  if (!rollout) return;
  if (ok) node.generation = rollout.generation;
  const { generation, target } = rollout;
  // A number that was asked for since is kept.
  if (node.generation !== generation && node.target === target?.wanted) node.target = target.before;
  const tookMs = nowMs - rollout.startedMs;
  node.lastReload = { generation, ok, message, tookMs };
  delete node.rollout;
}

/** Forgets workers that have gone. */
export function sweep(node: NodeState): void {
  node.workers = node.workers.filter(({ at }) => at.phase !== 'gone');
}
