/** Where a worker is in its life. Times are on the monotonic clock. */
export type Phase =
  | { phase: 'starting'; sinceMs: number }
  | { phase: 'proving'; sinceMs: number }
  | { phase: 'serving'; sinceMs: number }
  | { phase: 'retiring'; sinceMs: number; reason: string; killAtMs: number; killed: boolean }
  | { phase: 'gone'; atMs: number; why: string };

export interface Worker {
  readonly id: number;
  /** What its log lines begin with: `w7`. */
  readonly name: string;
  readonly generation: number;
  at: Phase;
  /** Why it is to be replaced although nothing is wrong with it: a limit it has reached. */
  worn?: string;
  /** Ticks of the supervisor since the last heartbeat; counts only where heartbeats are expected. */
  missedTicks: number;
  beats: boolean;
  /** It retires, and gives its connections away until then at the least. */
  movesUntilMs?: number;
}

/** A reload or recovery under way: workers of `generation` replace all others. */
export interface Rollout {
  readonly generation: number;
  readonly startedMs: number;
  /** How many old workers have been retired in favour of a new one. */
  promoted: number;
  /** The number of workers before, and the one that its configuration wants instead. */
  target?: { before: number; wanted: number };
}

export interface RolloutResult {
  generation: number;
  ok: boolean;
  message: string;
  tookMs: number;
}

export interface Stopping {
  mode: 'graceful' | 'quick';
  reason: string;
  exitCode: number;
  /** Another supervisor serves on the same sockets: workers end as at a reload. */
  siblings?: boolean;
}

/** Everything the loop decides upon. */
export interface NodeState {
  /** The newest generation that has proved itself, or the first one. */
  generation: number;
  nextGeneration: number;
  nextWorkerId: number;
  everReady: boolean;
  target: number;
  /** Workers are drained and gone, the sockets are kept (WINCH). */
  paused: boolean;
  /** The node refuses new work; nothing is started until it is resumed. */
  draining: boolean;
  rollout?: Rollout;
  reloadPending: boolean;
  lastReload?: RolloutResult;
  stopping?: Stopping;
  crashes: number[];
  notBeforeMs: number;
  workers: Worker[];
}

export interface Policy {
  startMs: number;
  proveMs: number;
  surge: number;
  parallel: number;
  restartLimit: number;
  restartWindowMs: number;
  backoffMs: number;
  backoffMaxMs: number;
  hangMs: number;
}

export type Action =
  | { do: 'spawn'; generation: number }
  | { do: 'retire'; worker: Worker; reason: string }
  | { do: 'kill'; worker: Worker; reason: string }
  | { do: 'diagnose'; worker: Worker }
  | { do: 'serve'; worker: Worker }
  | { do: 'complete' }
  | { do: 'reload' }
  | { do: 'halt'; code: number; reason: string };

export const isLive = (worker: Worker): boolean =>
  worker.at.phase !== 'retiring' && worker.at.phase !== 'gone';

export const isServing = (worker: Worker): boolean => worker.at.phase === 'serving';

export function newNode(target: number): NodeState {
  return {
    generation: 1,
    nextGeneration: 2,
    nextWorkerId: 1,
    everReady: false,
    target,
    paused: false,
    draining: false,
    reloadPending: false,
    crashes: [],
    notBeforeMs: 0,
    workers: [],
  };
}
