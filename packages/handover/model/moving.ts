// A connection that moves between two workers of a node, as a small model: the workers, the supervisor
// that relays, the channels between them, and the client. A channel keeps its order; each action is one
// atomic step of the code or a fault, and the search tries every order of them.

/** A worker: `frozen` has offered its stream, `prepared` has been offered one and is ready. */
export interface Mover {
  alive: boolean;
  role: 'none' | 'writing' | 'frozen' | 'offered' | 'prepared';
  /** The number of the event that it would write next. */
  next: number;
  /** The move that it takes part in. */
  move: number;
  /** It has a descriptor of the connection. */
  holds: boolean;
}

type Step = 'offer' | 'prepared' | 'refused' | 'go' | 'back';
interface Message {
  step: Step;
  move: number;
  next: number;
}

export interface Moving {
  workers: [Mover, Mover];
  up: [Message[], Message[]];
  down: [Message[], Message[]];
  /** What the supervisor knows of the moves under way; `holds`: its copy of the connection. */
  relays: { move: number; from: number; to: number; holds: boolean }[];
  /** Numbers of the events that the client has got. */
  read: number[];
  client: 'connected' | 'gone' | 'resumed';
  moves: number;
  kills: number;
}

export type MovingBug =
  | 'none'
  /** The successor writes as soon as it is ready. */
  | 'writes before go'
  /** The state is taken before the last write. */
  | 'state before the last write'
  /** Steps do not name their move. */
  | 'moves without numbers'
  /** The old worker may take back what it has let go of. */
  | 'back after go'
  /** Nobody speaks for an old worker that has died. */
  | 'silence of the old'
  /** Nobody speaks for a successor that has died, and the old worker waits for ever. */
  | 'silence of the successor';

export interface MovingBounds {
  events: number;
  moves: number;
  kills: number;
}

export const start = (): Moving => {
  const worker = (role: Mover['role']): Mover => ({
    alive: true,
    role,
    next: role === 'writing' ? 1 : 0,
    move: 0,
    holds: role === 'writing',
  });
  return {
    workers: [worker('writing'), worker('none')],
    up: [[], []],
    down: [[], []],
    relays: [],
    read: [],
    client: 'connected',
    moves: 0,
    kills: 0,
  };
};

type Found = { name: string; to: Moving }[];

/** Every state that one step leads to. */
export function movingSteps(from: Moving, bug: MovingBug, bounds: MovingBounds): Found {
  const found: Found = [];
  const can = (name: string, change: (s: Moving) => void): void => {
    const to = structuredClone(from);
    change(to);
    found.push({ name, to });
  };
  if (from.client !== 'connected') return found;
  for (const me of [0, 1] as const) {
    const worker = from.workers[me];
    if (worker.alive) workerSteps(from, me, bug, bounds, can);
    else if (from.up[me].length === 0 && !from.relays.some((r) => r.from === me || r.to === me))
      can(`${me} is started anew`, (s) => {
        s.workers[me].alive = true;
      });
    relaySteps(from, me, bug, can);
  }
  can('the client goes', (s) => {
    s.client = 'gone';
  });
  if (!isOpen(from))
    can('the client finds its connection closed, and resumes by number', (s) => {
      s.client = 'resumed';
    });
  return found;
}

type Can = (name: string, change: (s: Moving) => void) => void;
type Id = 0 | 1;
const other = (id: Id): Id => (id === 0 ? 1 : 0);

/** Somebody has a descriptor: a process, or a message that is not yet read. */
const isOpen = ({ workers, relays, up, down }: Moving): boolean =>
  workers.some(({ holds }) => holds) ||
  relays.some(({ holds }) => holds) ||
  [...up, ...down].flat().some(({ step }) => step === 'offer');

function workerSteps(
  from: Moving,
  me: Id,
  bug: MovingBug,
  { events, moves, kills }: MovingBounds,
  can: Can,
): void {
  const { role, next, move } = from.workers[me];
  const writes = role === 'writing' || (bug === 'writes before go' && role === 'prepared');
  if (writes && next <= events)
    can(`${me} writes ${next}`, (s) => {
      s.read.push(s.workers[me].next);
      s.workers[me].next += 1;
    });
  if (role === 'writing' && from.moves < moves)
    can(`${me} stops and offers`, (s) => {
      s.moves += 1;
      const own = s.workers[me];
      const number = bug === 'moves without numbers' ? 1 : s.moves;
      s.up[me].push({ step: 'offer', move: number, next: own.next });
      if (bug === 'state before the last write' && own.next <= events) {
        s.read.push(own.next);
        own.next += 1;
      }
      Object.assign(own, { role: 'frozen', move: number });
    });
  // At the limit of its patience, or because the application has ended the stream.
  const lets = bug === 'back after go' && role === 'none' && move > 0 && next > 0;
  if ((role === 'frozen' && bug !== 'silence of the successor') || lets)
    can(`${me} takes it back`, (s) => {
      Object.assign(s.workers[me], { role: 'writing', holds: true });
      s.up[me].push({ step: 'back', move, next: 0 });
    });
  if (role === 'offered') {
    can(`${me} is ready`, (s) => {
      s.workers[me].role = 'prepared';
      s.up[me].push({ step: 'prepared', move, next: 0 });
    });
    can(`${me} refuses`, (s) => {
      leave(s.workers[me]);
      s.up[me].push({ step: 'refused', move, next: 0 });
    });
  }
  const message = from.down[me][0];
  if (message)
    can(`${me} reads ${message.step}`, (s) => {
      s.down[me].shift();
      hear(s, me, message, bug);
    });
  // A worker gathers steps for one message: those that are not written yet are lost with it.
  for (let unsent = 0; from.kills < kills && unsent <= from.up[me].length; unsent += 1)
    can(`${me} is killed with ${unsent} steps unsent`, (s) => {
      s.kills += 1;
      s.up[me].splice(s.up[me].length - unsent);
      leave(s.workers[me]);
      Object.assign(s.workers[me], { alive: false, move: 0, next: 0 });
      s.down[me] = [];
    });
}

function hear(s: Moving, me: Id, { step, move, next }: Message, bug: MovingBug): void {
  const own = s.workers[me];
  if (step === 'offer') {
    // A worker that has this stream itself by now is not asked; here it would have two.
    if (own.role === 'none') Object.assign(own, { role: 'offered', move, next, holds: true });
    return;
  }
  if (own.move !== move) return;
  if (step === 'go' && own.role === 'prepared') own.role = 'writing';
  else if (step === 'back' && (own.role === 'prepared' || own.role === 'offered')) leave(own);
  else if (step === 'prepared' && own.role === 'frozen') {
    const kept = own.next;
    leave(own);
    if (bug === 'back after go') own.next = kept;
    s.up[me].push({ step: 'go', move, next: 0 });
  } else if (step === 'refused' && own.role === 'frozen') {
    own.role = 'writing';
    s.up[me].push({ step: 'back', move, next: 0 });
  }
}

function leave(own: Mover): void {
  Object.assign(own, { role: 'none', holds: false, next: 0 });
}

/** The supervisor: what it reads from a worker, and what it does when that says nothing any more. */
function relaySteps(from: Moving, me: Id, bug: MovingBug, can: Can): void {
  const message = from.up[me][0];
  const to = other(me);
  if (message)
    can(`the supervisor relays ${message.step} of ${me}`, (s) => {
      s.up[me].shift();
      relay(s, me, to, message);
    });
  const own = from.relays.filter(
    (r) => (r.from === me && bug !== 'silence of the old') || r.to === me,
  );
  const news = own.some((r) => r.from === me || r.holds || bug !== 'silence of the successor');
  if (!message && !from.workers[me].alive && own.length > 0 && news)
    can(`the supervisor finds that ${me} has ended`, (s) => {
      for (const { move, from: owner } of s.relays.filter((r) =>
        own.some((o) => o.move === r.move),
      ))
        if (owner === me) tell(s, to, { step: 'back', move, next: 0 });
        else if (bug !== 'silence of the successor')
          tell(s, to, { step: 'refused', move, next: 0 });
      s.relays = s.relays.filter((r) => !own.some((o) => o.move === r.move));
    });
}

function relay(s: Moving, me: Id, to: Id, message: Message): void {
  const { step, move } = message;
  const known = s.relays.find((r) => r.move === move);
  if (step === 'offer') {
    if (!s.workers[to].alive) return tell(s, me, { step: 'refused', move, next: 0 });
    s.relays.push({ move, from: me, to, holds: true });
    return tell(s, to, message);
  }
  if (!known) return;
  known.holds = false;
  if (step === 'go' || step === 'back') s.relays = s.relays.filter((r) => r !== known);
  tell(s, to, message);
}

function tell(s: Moving, to: Id, message: Message): void {
  if (s.workers[to].alive) s.down[to].push(message);
}
