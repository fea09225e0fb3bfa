import { SupervisorError } from '@lastcall/supervisor/client';
import { EdgeError } from '../../errors.ts';
import type { Told } from '../../proxy/processes.ts';

/** How a node ended, as far as its manager tells. */
export interface Exit {
  exitCode: number | undefined;
  told: string;
}

export type Telling = (target: Told) => void;

/** Whoever can stop a node. `stop` is safe to repeat. */
export interface Manager {
  /** Throws when the node cannot be told to stop, as far as that can be known before. */
  check(): Promise<void>;
  /** The living process that is told to stop; undefined: the manager knows none. */
  readonly target?: Told | undefined;
  /** Tells the node to stop; returns when it has been told. `telling` hears of the process before its signal. */
  stop(telling?: Telling): Promise<void>;
  /** Resolves when the node has stopped; undefined when it has not within `withinMs`. */
  exited(withinMs: number): Promise<Exit | undefined>;
  force(): Promise<void>;
  /** By what it is certain that nothing runs that could be stopped; undefined: it is not. */
  gone(): Promise<string | undefined>;
  /** Takes the stop back; false when that cannot be done any more. */
  undo(): Promise<boolean>;
}

export const managerError = (what: string, cause: unknown): EdgeError =>
  new EdgeError('ERR_EDGE_MANAGER', `${what}: ${reason(cause)}`, {}, { cause });

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The supervisor's own errors say it all.
  if (error instanceof SupervisorError) return error.message;
  const { cause } = error;
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message;
}
