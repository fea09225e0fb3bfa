// What the model knows of the world, and how far the search goes.

/** A worker's own view: what its memory says, right or wrong. */
export interface Worker {
  /** running: its process lives. killed: it is gone for good. */
  alive: boolean;
  /** It cannot reach the database (and the database not it). */
  cut: boolean;
  draining: boolean;
  /** Its row in the database; without it nothing may be claimed. */
  listed: boolean;
  /** The fence of the run in its memory; 0: it runs nothing. */
  fence: number;
  /** The step of the work its run stands at; events are a function of it. */
  step: number;
  /** The run was asked to pass on. */
  leaving: boolean;
}

export interface State {
  bounds: Bounds;
  workers: Worker[];
  /** The row of the work. */
  state: 'waiting' | 'running' | 'completed';
  owner: number;
  fence: number;
  soliciting: boolean;
  successor: number;
  /** The checkpoint: the step it continues from, which is the number of events it covers. */
  saved: number;
  /** What the events in the database say: events[i] is the step that event i + 1 tells of. */
  events: number[];
  /** How many of the events the reader has been given. */
  read: number[];
  /** Rows in the outbox. */
  effects: number;
  /** A worker that was not the owner has changed something. */
  trespass: boolean;
  faults: number;
  drains: number;
}

/** What can be wrong with the protocol, to see that the search finds it. */
export type Bug =
  | 'none'
  /** A worker that starts or joins again gets the number it had. */
  | 'number used again'
  /** Writes are not checked against the fence. */
  | 'no fence'
  /** A run continues at its checkpoint and writes what follows again. */
  | 'repeat after checkpoint'
  /** Events are given to readers before they are durable. */
  | 'read before commit'
  /** The answer of a worker that died is never forgotten. */
  | 'answer of the dead'
  /** Effects have no key of their own. */
  | 'effect without key';

/** How far the search goes. */
export interface Bounds {
  /** Events of the work. */
  steps: number;
  /** Kills and cuts. */
  faults: number;
  drains: number;
}

export const nobody = -1;
/** A worker whose number is no longer in use. */
export const departed = -2;

export function initial(bounds: Bounds): State {
  const worker = (): Worker => ({
    alive: true,
    cut: false,
    draining: false,
    listed: true,
    fence: 0,
    step: 0,
    leaving: false,
  });
  return {
    bounds,
    workers: [worker(), worker()],
    state: 'waiting',
    owner: nobody,
    fence: 2,
    soliciting: false,
    successor: nobody,
    saved: 0,
    events: [],
    read: [],
    effects: 0,
    trespass: false,
    faults: 0,
    drains: 0,
  };
}

/** A short text that is the same for equal states alone. */
export const keyOf = (s: State): string => {
  const workers = s.workers.map(
    (w) => `${+w.alive}${+w.cut}${+w.draining}${+w.listed}${w.fence}${w.step}${+w.leaving}`,
  );
  return `${workers.join()},${s.state[0]}${s.owner},${s.fence}${+s.soliciting}${s.successor},${s.saved},${s.events.join('')},${s.read.join('')},${s.effects}${+s.trespass}${s.faults}${s.drains}`;
};
