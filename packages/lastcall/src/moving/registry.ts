import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Lease } from '../ledger/lease.ts';

/** What goes on in the successor. */
export interface Arrived<State> {
  /** The request as the client sent it, without its body. */
  request: IncomingMessage;
  /** The same answer: its head has been sent, and the next write follows on the last one. */
  response: ServerResponse;
  /** What `freeze` returned, or what `thaw` made of it. */
  state: State;
  lease: Lease;
}

export interface ThawContext {
  /** The version that `movable` was given. */
  version: number;
  /** Aborts when the old worker keeps the stream after all: release what was made ready. */
  signal: AbortSignal;
}

export interface OnMovedOptions {
  /** Versions of the state that this code can take up. Default `[1]`. */
  versions?: readonly number[];
  /**
   * Gets ready to take over, before the old worker lets go; nothing may be sent yet. What it
   * returns is the `state` of the handler. Throwing refuses: the old worker goes on.
   */
  thaw?: (state: unknown, context: ThawContext) => unknown;
}

export interface Registration {
  readonly versions: readonly number[];
  readonly thaw: NonNullable<OnMovedOptions['thaw']>;
  readonly resume: (arrived: Arrived<unknown>) => unknown;
}

const registrations = new Map<string, Registration>();

/**
 * Says how this process goes on with streams of `kind` that another worker of the node gives to it.
 * Call it once for each kind at start-up, before the lifecycle is ready.
 */
export function onMoved<State = unknown>(
  kind: string,
  handler: (arrived: Arrived<State>) => unknown,
  { versions = [1], thaw = (state) => state }: OnMovedOptions = {},
): void {
  registrations.set(kind, { versions, thaw, resume: handler as Registration['resume'] });
}

export const registrationOf = (kind: string): Registration | undefined => registrations.get(kind);

/** Whether this process takes part in moves at all. */
export const takesPart = (): boolean => registrations.size > 0;
