import type { FinishEstimate } from '../ledger/estimate.ts';
import type { FinishCurve } from '../ledger/finish-curve.ts';
import type { DrainResult } from '../lifecycle/stop.ts';
import type { MovedCounts, MoveMessage, StayedReport } from '../moving/wire.ts';
import type { FlightRecord } from '../telemetry/flight-record.ts';

/**
 * What a worker and its supervisor say to each other over the IPC channel. Every message carries
 * `lastcall: 1`, so that an application's own messages on the same channel are left alone.
 */
export const PROTOCOL = 1;

/** `NodeStatus` in a form that survives JSON. */
export interface WireStatus {
  state: string;
  /** How long the node, or the worker, has been up; an earlier version does not tell. */
  uptimeMs?: number;
  inFlight: number;
  inFlightByKind: Record<string, number>;
  /** Seconds since the stop began; 0 while there is none. */
  shutdownSeconds: number;
  /** Time left until work is cancelled; `null` while no stop runs. */
  deadlineInMs: number | null;
  estimateMs: number | null;
  /** The same at each of `CHANCES`; a worker of an earlier version does not tell. */
  curveMs?: FinishCurve | null;
  /** Why there is no estimate; a worker of an earlier version does not tell. */
  reason?: string;
}

/** The figures of one worker. */
export interface Figures extends WireStatus {
  /** kind -> outcome -> how many since the worker started. */
  outcomes: Record<string, Record<string, number>>;
  refused: Record<string, number>;
  /** Work that arrived after readiness went false. */
  lateArrivals: number;
  /** `estimateMs` with its median and its far end. */
  estimate: FinishEstimate;
  rssBytes: number;
  /** Work that came in by moves and that went. */
  moved: MovedCounts;
}

/** One piece of work in flight, as the console shows it. */
export interface WorkItem {
  kind: string;
  label: string | null;
  ageMs: number;
  /** What it probably still needs; `null` while that is unknown. */
  p50Ms: number | null;
  p90Ms: number | null;
}

/**
 * Questions that go both ways: a worker asks for the whole node, the supervisor asks one worker.
 * `check`: whether the worker answers a request of its own for the path in `detail`. `work`: its
 * oldest work.
 */
export interface Questions {
  status: { worker: Figures; node: WireStatus };
  initiate: { worker: Figures; node: WireStatus };
  drain: { worker: Figures; node: WireStatus };
  reset: { worker: boolean; node: boolean };
  wait: { worker: DrainResult; node: DrainResult };
  metrics: { worker: string; node: string };
  check: { worker: { status: number }; node: never };
  work: { worker: WorkItem[]; node: never };
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
  /** `forcedKills`: those recorded before; a worker of an earlier version has them in its metrics. */
  | { type: 'hello'; pid: number; node: string; forcedKills?: number }
  | { type: 'ready' }
  | { type: 'figures'; figures: Figures }
  | { type: 'metrics'; text: string }
  /** How a stop of the worker went, in the end. */
  | { type: 'flight'; record: FlightRecord }
  /**
   * The worker has begun to stop by itself or by a signal of its own, `exit`: for good, `fatal`: for
   * an error; a worker of an earlier version does not tell.
   */
  | { type: 'stopping'; reason: string; exit: boolean; fatal?: boolean }
  | MoveMessage
  | StayedReport
  | Ask
  | Answer;

export type ToWorker =
  /** Others serve on the same sockets: finish what is connected, refuse nothing, and end. */
  | { type: 'retire'; reason: string }
  /** To a worker that retires: another one serves now, and may take what has stayed. */
  | { type: 'move-on' }
  /** The node goes: stop in full; `force`: cancel at once. */
  | { type: 'stop'; reason: string; force: boolean }
  /** A sibling was killed or crashed: what it held can go on at once. */
  | { type: 'died'; pid: number }
  | MoveMessage
  | Ask
  | Answer;

/** The message inside, when it is one of ours. */
export const unframe = (raw: unknown): Record<string, unknown> | undefined =>
  typeof raw === 'object' && raw !== null && (raw as { lastcall?: unknown }).lastcall === PROTOCOL
    ? (raw as Record<string, unknown>)
    : undefined;
