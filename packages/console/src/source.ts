import type { IncomingMessage } from 'node:http';
import type { FlightRecord } from 'lastcall';
import type { FinishEstimate, WorkItem } from 'lastcall/supervised';

export interface ConsoleWorker {
  name: string;
  pid: number | null;
  generation: number;
  phase: string;
  reason: string | null;
  age_seconds: number;
  in_flight: number | null;
  rss_bytes: number | null;
}

/** A past stop of one worker. */
export type Stop = FlightRecord & { worker: string; generation: number };

/** The node at one moment. */
export interface Snapshot {
  state: string;
  generation: number;
  workersWanted: number;
  workers: ConsoleWorker[];
  inFlight: number;
  inFlightByKind: Record<string, number>;
  /** Open connections that have gone to other workers, are going, and could not go, by reason. */
  moves: { moved: number; on_their_way: number; stayed: Record<string, number> };
  /** The oldest work of the node, oldest first. */
  work: (WorkItem & { worker: string })[];
  estimate: FinishEstimate;
  /** Until work is cancelled; `null` while no stop runs. */
  deadlineInMs: number | null;
  /** Ends of work since the supervisor started, by outcome. */
  outcomes: Record<string, number>;
  refused: number;
  lateArrivals: number;
  /** What is under way, in words; `null` when nothing is. */
  doing: string | null;
}

export type Action = 'drain' | 'resume' | 'reload' | 'scale';

/** The node behind the page. */
export interface Source {
  /** `work`: whether the list of work is wanted, which costs a question to each worker. */
  snapshot(work: boolean): Promise<Snapshot>;
  /** Past stops, oldest first. */
  stops(): readonly Stop[];
  /** Resolves with what was done, in words; rejects with why not. */
  act(action: Action, workers: number | undefined): Promise<string>;
  isOperator(request: IncomingMessage): boolean;
}
