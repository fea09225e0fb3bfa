import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Lease } from '../ledger/lease.ts';
import { wrongOption } from '../servers/support/peer-options.ts';
import type { Envelope, Stays } from './wire.ts';

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
  /** Why this process cannot go on with it, whatever its state. */
  readonly refusal: (envelope: Envelope) => Stays | undefined;
  /** Goes on: with an answer, or with the bare connection of an upgrade. */
  readonly resume: (
    arrival: Arrival,
    request: IncomingMessage,
    what: { response: ServerResponse; lease: Lease } | { socket: Duplex },
  ) => unknown;
}

/** A stream that another worker has let go of. */
export interface Arrival {
  readonly envelope: Envelope;
  readonly state: unknown;
  readonly registration: Registration;
}

const registrations = new Map<string, Registration>();

/** Registers how streams of `kind` go on, on one sort of connection. */
export function register(
  carrier: Envelope['carrier'],
  kind: string,
  { versions = [1], thaw = (state) => state }: OnMovedOptions,
  how: Pick<Registration, 'refusal' | 'resume'>,
): void {
  if (typeof kind !== 'string' || kind === '') throw wrongOption('kind', 'a name', kind);
  registrations.set(`${carrier} ${kind}`, { versions, thaw, ...how });
}

/**
 * Says how this process goes on with answers of `kind` that another worker of the node gives to it.
 * Call it once for each kind at start-up, before the lifecycle is ready. Throws
 * `ERR_LASTCALL_OPTION`.
 */
export function onMoved<State = unknown>(
  kind: string,
  handler: (arrived: Arrived<State>) => unknown,
  options: OnMovedOptions = {},
): void {
  if (typeof handler !== 'function') throw wrongOption('handler', 'a function', handler);
  register('http', kind, options, {
    refusal: () => undefined,
    resume: ({ state }, request, what) =>
      'response' in what && handler({ request, ...what, state: state as State }),
  });
}

export const registrationOf = ({ carrier, kind }: Envelope): Registration | undefined =>
  registrations.get(`${carrier} ${kind}`);

/** Whether this process takes part in moves at all. */
export const takesPart = (): boolean => registrations.size > 0;
