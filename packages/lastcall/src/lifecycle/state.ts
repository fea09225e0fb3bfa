import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { LastcallError } from '../errors.ts';
import type { FlightRecord } from '../telemetry/flight-record.ts';

export const STATES = [
  'starting',
  'ready',
  'leaving',
  'draining',
  'cancelling',
  'closing',
  'stopped',
] as const;

export type State = (typeof STATES)[number];

/** Which moves are legal. Only `leaving` and `draining` can be undone. */
const MOVES: Record<State, readonly State[]> = {
  starting: ['ready', 'leaving'],
  ready: ['leaving'],
  leaving: ['draining', 'ready', 'starting'],
  draining: ['cancelling', 'closing', 'ready', 'starting'],
  cancelling: ['closing'],
  closing: ['stopped'],
  stopped: [],
};

export interface StateChange {
  from: State;
  to: State;
  /** Monotonic time of the change (`performance.now()`). */
  atMs: number;
  /** Raised by each undo. */
  epoch: number;
}

/**
 * `stop`: the record of a stop that has ended, or that was undone. `died`: a sibling of this worker,
 * by its pid, has ended without stopping; told by the supervisor.
 */
export interface LifecycleEvents {
  state: [StateChange];
  stop: [FlightRecord];
  died: [pid: number];
}

const stateChannel = channel('lastcall:state');

/** The state and its one setter. Each entry is an event, here and on `lastcall:state`. */
export class StateMachine {
  readonly events = new EventEmitter<LifecycleEvents>();
  #current: State = 'starting';
  epoch = 0;

  get current(): State {
    return this.#current;
  }

  /** Throws `ERR_LASTCALL_STATE` for an illegal move. */
  move(to: State): void {
    const from = this.#current;
    if (!MOVES[from].includes(to))
      throw new LastcallError(
        'ERR_LASTCALL_STATE',
        `The lifecycle cannot go from ${from} to ${to}; from ${from} it can go to: ${MOVES[from].join(', ') || 'nothing'}.`,
        { from, to },
      );
    this.#current = to;
    const change: StateChange = { from, to, atMs: performance.now(), epoch: this.epoch };
    if (stateChannel.hasSubscribers) stateChannel.publish(change);
    this.events.emit('state', change);
  }

  /** Resolves when `state` is entered; at once when it is the current one. */
  when(state: State): Promise<void> {
    if (this.#current === state) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const listener = ({ to }: StateChange): void => {
      if (to !== state) return;
      this.events.off('state', listener);
      resolve();
    };
    this.events.on('state', listener);
    return promise;
  }
}
