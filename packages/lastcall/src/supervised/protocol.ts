/**
 * What a worker and its supervisor say to each other over the IPC channel. Every message carries
 * `lastcall: 1`, so that an application's own messages on the same channel are left alone.
 */
export const PROTOCOL = 1;

/** The figures of one worker. */
export interface Figures {
  state: string;
  epoch: number;
  inFlight: number;
  inFlightByKind: Record<string, number>;
  /** kind -> outcome -> how many since the worker started. */
  outcomes: Record<string, Record<string, number>>;
  refused: Record<string, number>;
  /** Since when the worker drains, in milliseconds before now; `null` when it does not. */
  drainingForMs: number | null;
  /** When the work in flight will probably have ended; `null` when nothing can be said. */
  estimateMs: number | null;
  /** Time left until work is cancelled; `null` when no stop runs. */
  deadlineInMs: number | null;
  rssBytes: number;
}

/** The figures of a whole node: the sum over its workers. */
export interface NodeFigures {
  state: string;
  workers: number;
  inFlight: number;
  inFlightByKind: Record<string, number>;
  drainingForMs: number | null;
  estimateMs: number | null;
  deadlineInMs: number | null;
}

/** How a wait for the end of a drain ended. */
export interface NodeWait {
  /** The deadline passed and the rest was cancelled. */
  timedOut: boolean;
  /** The drain was undone while the caller waited. */
  undone: boolean;
  cancelled: number;
  activeStreams: number;
  waitedMs: number;
}

export type Resumed = 'resumed' | 'was_ready' | 'too_late';

/**
 * Questions that go both ways: a worker asks for the whole node, the supervisor asks one worker.
 * `check`: whether the worker answers a request of its own for the path in `detail`.
 */
export interface Questions {
  figures: { worker: Figures; node: NodeFigures };
  drain: { worker: Figures; node: NodeFigures };
  resume: { worker: Resumed; node: Resumed };
  wait: { worker: NodeWait; node: NodeWait };
  metrics: { worker: string; node: string };
  check: { worker: { status: number }; node: never };
}

export type Question = keyof Questions;

export interface Ask {
  type: 'ask';
  id: number;
  what: Question;
  /** The reason of a drain or wait, the path of a check. */
  detail: string;
}

export type Answer = { type: 'answer'; id: number } & ({ value: unknown } | { error: string });

export type FromWorker =
  | { type: 'hello'; pid: number; node: string }
  | { type: 'ready' }
  | { type: 'figures'; figures: Figures }
  | { type: 'metrics'; text: string }
  | { type: 'stopping'; reason: string }
  | Ask
  | Answer;

export type ToWorker =
  | { type: 'retire'; reason: string }
  | { type: 'stop'; reason: string; force: boolean }
  | Ask
  | Answer;

/** What goes over the channel. */
export type Framed<M> = M & { lastcall: typeof PROTOCOL };

/** The message inside, when it is one of ours. */
export const unframe = (raw: unknown): Record<string, unknown> | undefined =>
  typeof raw === 'object' && raw !== null && (raw as { lastcall?: unknown }).lastcall === PROTOCOL
    ? (raw as Record<string, unknown>)
    : undefined;
