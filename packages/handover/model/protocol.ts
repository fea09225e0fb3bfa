// The handover protocol as a small model: two workers, one work, a database, a reader. Each action is
// one atomic step of the code (a statement, a message, a fault); the search tries every order of them.

import { type Bug, departed, nobody, type State, type Worker } from './state.ts';

export interface Move {
  name: string;
  to: State;
}

/** Every state that one atomic step can lead to. */
export function moves(from: State, bug: Bug): Move[] {
  const found: Move[] = [];
  const can = (name: string, change: (state: State) => void): void => {
    const to = clone(from);
    change(to);
    levelFences(to);
    found.push({ name, to });
  };
  from.workers.forEach((worker, id) => {
    if (worker.alive) ownSteps(from, worker, id, bug, can);
    faults(from, worker, id, can);
    if (worker.listed && (!worker.alive || worker.cut))
      can(`${id} is buried`, (s) => {
        at(s, id).listed = false;
      });
  });
  caretaker(from, bug, can);
  if (from.read.length < from.events.length)
    can('the reader gets the next event', (s) => {
      s.read.push(s.events[s.read.length] as number);
    });
  return found;
}

/**
 * Fences only grow and are only compared with the newest, so an older one is as old as any other:
 * 1 for all of them and 2 for the newest keep the number of states finite.
 */
function levelFences(state: State): void {
  for (const worker of state.workers)
    if (worker.fence > 0) worker.fence = worker.fence === state.fence ? 2 : 1;
  state.fence = 2;
}

const clone = (state: State): State => ({
  ...state,
  workers: state.workers.map((worker) => ({ ...worker })),
  events: [...state.events],
  read: [...state.read],
});

type Can = (name: string, change: (state: State) => void) => void;
const at = (state: State, id: number): Worker => state.workers[id] as Worker;

/** Whether the one write of an owner holds. */
const holds = (s: State, id: number, bug: Bug): boolean =>
  bug === 'no fence'
    ? s.state !== 'completed'
    : s.state === 'running' && s.owner === id && s.fence === at(s, id).fence;

function ownSteps(from: State, worker: Worker, id: number, bug: Bug, can: Can): void {
  const online = !worker.cut;
  const runs = worker.fence > 0;
  if (online && !worker.listed && !runs)
    can(`${id} joins again`, (s) => {
      at(s, id).listed = true;
      if (bug !== 'number used again') depart(s, id);
    });
  const mine = from.successor === id || from.successor === nobody;
  if (online && worker.listed && !runs && !worker.draining && from.state === 'waiting' && mine)
    can(`${id} claims`, (s) => {
      s.state = 'running';
      s.owner = id;
      s.successor = nobody;
      s.fence += 1;
      const resumed = bug === 'repeat after checkpoint' ? s.saved : s.events.length;
      Object.assign(at(s, id), { fence: s.fence, step: resumed, leaving: false });
    });
  if (online && worker.listed && !worker.draining && !runs && from.soliciting)
    if (from.state === 'running' && from.owner !== id && from.successor === nobody)
      can(`${id} answers`, (s) => {
        s.successor = id;
      });
  if (online && worker.draining && from.successor === id)
    can(`${id} takes its answer back`, (s) => {
      s.successor = nobody;
    });
  if (runs) runSteps(from, worker, id, bug, can);
}

function runSteps(from: State, worker: Worker, id: number, bug: Bug, can: Can): void {
  const online = !worker.cut;
  const stop = (s: State): void => {
    Object.assign(at(s, id), { fence: 0, step: 0, leaving: false });
  };
  if (bug === 'read before commit' && worker.step < from.bounds.steps && !worker.leaving)
    can(`${id} sends an event`, (s) => {
      s.read.push(at(s, id).step + 1);
    });
  if (!online) return;
  const write = (name: string, change: (s: State) => void): void =>
    can(name, (s) => {
      if (!holds(s, id, bug)) return stop(s);
      if (s.owner !== id || s.fence !== at(s, id).fence) s.trespass = true;
      change(s);
    });
  if (worker.step < from.bounds.steps && !worker.leaving)
    for (const save of [false, true])
      write(`${id} writes an event${save ? ' and a checkpoint' : ''}`, (s) => {
        const own = at(s, id);
        own.step += 1;
        s.events.push(own.step);
        if (save) s.saved = own.step;
      });
  if (worker.step === from.bounds.steps && !worker.leaving)
    write(`${id} completes, with an effect`, (s) => {
      s.state = 'completed';
      s.owner = nobody;
      s.successor = nobody;
      s.soliciting = false;
      if (bug === 'effect without key' || s.effects === 0) s.effects += 1;
      stop(s);
    });
  // The effect may also come before the end, in a run that then dies: its key makes it one.
  if (
    worker.step === from.bounds.steps &&
    !worker.leaving &&
    (from.effects === 0 || bug === 'effect without key')
  )
    write(`${id} leaves the effect`, (s) => {
      if (bug === 'effect without key' || s.effects === 0) s.effects += 1;
    });
  if (worker.draining && !from.soliciting && from.owner === id && from.state === 'running')
    can(`${id} solicits`, (s) => {
      s.soliciting = true;
    });
  // Answered, or the deadline came: both end in the same statement.
  if (worker.draining && !worker.leaving)
    can(`${id} is to leave`, (s) => {
      at(s, id).leaving = true;
    });
  if (worker.leaving)
    write(`${id} saves, raises the fence and passes on`, (s) => {
      s.state = 'waiting';
      s.owner = nobody;
      s.fence += 1;
      s.soliciting = false;
      s.saved = at(s, id).step;
      stop(s);
    });
}

function faults(from: State, worker: Worker, id: number, can: Can): void {
  if (worker.alive && !worker.draining && from.drains < from.bounds.drains)
    can(`${id} drains`, (s) => {
      at(s, id).draining = true;
      s.drains += 1;
    });
  if (worker.alive && worker.draining)
    can(`${id} resumes`, (s) => {
      at(s, id).draining = false;
    });
  if (worker.cut)
    can(`${id} is connected again`, (s) => {
      at(s, id).cut = false;
    });
  if (from.faults >= from.bounds.faults) return;
  if (worker.alive)
    can(`${id} is killed`, (s) => {
      Object.assign(at(s, id), { alive: false, fence: 0, step: 0, leaving: false });
      s.faults += 1;
    });
  if (worker.alive && !worker.cut)
    can(`${id} is cut off`, (s) => {
      at(s, id).cut = true;
      s.faults += 1;
    });
}

/** Its old number is never used again: what names it names nobody now. */
function depart(s: State, id: number): void {
  if (s.owner === id) s.owner = departed;
  if (s.successor === id) s.successor = departed;
}

const isListed = (s: State, id: number): boolean => id >= 0 && at(s, id).listed;

function caretaker(from: State, bug: Bug, can: Can): void {
  if (from.state === 'running' && !isListed(from, from.owner))
    can('the work is released', (s) => {
      s.state = 'waiting';
      s.owner = nobody;
      s.fence += 1;
      s.soliciting = false;
      s.successor = nobody;
    });
  if (bug !== 'answer of the dead' && from.successor !== nobody && !isListed(from, from.successor))
    can('an answer is forgotten', (s) => {
      s.successor = nobody;
    });
  // A worker of a later start takes the place of one that has gone.
  from.workers.forEach((worker, id) => {
    if (!worker.listed && !worker.alive)
      can(`${id} is started anew`, (s) => {
        Object.assign(at(s, id), { alive: true, cut: false, draining: false, listed: false });
      });
  });
}
