// A connection that moves between two workers of a node, as a small model: the workers, what relays
// between them, the channels, and the client. A channel keeps its order; each action is one atomic
// step of the code or a fault, and the search tries every order of them.
import {
  type Can,
  isAlive,
  loseUnsent,
  type Message,
  type Mover,
  type Moving,
  type MovingBounds,
  type MovingBug,
  receive,
  send,
  type Step,
  supervisorOf,
  wire,
  type WorkerName,
} from './moving-state.ts';
import { relaySteps, supervisorDies } from './relays.ts';

type Found = { name: string; to: Moving }[];
/** Every state that one step leads to. */
export function movingSteps(from: Moving, bug: MovingBug, bounds: MovingBounds): Found {
  const found: Found = [];
  const can: Can = (name, change) => {
    const to = structuredClone(from);
    change(to);
    found.push({ name, to });
  };
  if (from.client !== 'connected') return found;
  for (const me of ['w0', 'w1'] as const) {
    if (from[me].alive) workerSteps(from, me, bug, bounds, can);
    else if (mayStart(from, me))
      can(`${me} is started anew`, (s) => {
        s[me].alive = true;
      });
  }
  for (const me of ['s0', 's1'] as const)
    if (isAlive(from, me)) {
      relaySteps(from, me, bug, can);
      if (from.kills < bounds.kills) supervisorDies(from, me, can);
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

/** When its supervisor is there, starts workers, and has heard all of the one that has died. */
function mayStart(s: Moving, me: WorkerName): boolean {
  const over = supervisorOf(s, me);
  if (!isAlive(s, over) || (s.s1 && me === 'w0')) return false;
  const heard = wire(s, me, over).length === 0;
  return heard && !s[over]!.moves.some(({ from, to }) => from === me || to === me);
}

/** Somebody has a descriptor: a process, or a message that is not yet read. */
const isOpen = ({ w0, w1, s0, s1, wires }: Moving): boolean =>
  w0.holds ||
  w1.holds ||
  [s0, s1].some((relay) => relay?.moves.some(({ holds }) => holds)) ||
  Object.values(wires).some((messages) => messages.some(({ step }) => step === 'offer'));

function workerSteps(
  from: Moving,
  me: WorkerName,
  bug: MovingBug,
  { events, moves, kills }: MovingBounds,
  can: Can,
): void {
  const { role, next, move } = from[me];
  const over = supervisorOf(from, me);
  const say = (s: Moving, message: Message): void => send(s, me, over, message);
  const writes = role === 'writing' || (bug === 'writes before go' && role === 'prepared');
  if (writes && next <= events)
    can(`${me} writes ${next}`, (s) => {
      s.read.push(s[me].next);
      s[me].next += 1;
    });
  if (role === 'writing' && from.moves < moves && isAlive(from, over))
    can(`${me} stops and offers`, (s) => {
      s.moves += 1;
      const own = s[me];
      const number = bug === 'moves without numbers' ? 1 : s.moves;
      say(s, { step: 'offer', move: number, next: own.next });
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
      Object.assign(s[me], { role: 'writing', holds: true });
      say(s, { step: 'back', move, next: 0 });
    });
  if (role === 'offered') {
    can(`${me} is ready`, (s) => {
      s[me].role = 'prepared';
      say(s, { step: 'prepared', move, next: 0 });
    });
    can(`${me} refuses`, (s) => {
      leave(s[me]);
      say(s, { step: 'refused', move, next: 0 });
    });
  }
  const message = wire(from, over, me)[0];
  if (message) can(`${me} reads ${message.step}`, (s) => hear(s, me, receive(s, over, me), bug));
  else if (!isAlive(from, over) && role !== 'none' && role !== 'writing') alone(me, role, bug, can);
  const said = wire(from, me, over).length;
  for (let unsent = 0; from.kills < kills && unsent <= said; unsent += 1)
    can(`${me} is killed with ${unsent} steps unsent`, (s) => {
      s.kills += 1;
      loseUnsent(s, me, over, unsent);
      leave(s[me]);
      Object.assign(s[me], { alive: false, move: 0, next: 0 });
      s.wires[`${over}>${me}`] = [];
    });
}

/** Its supervisor has ended, and it has read all that it said. */
function alone(me: WorkerName, role: Mover['role'], bug: MovingBug, can: Can): void {
  if (role === 'frozen')
    can(`${me} finds itself alone, and keeps its stream`, (s) => {
      s[me].role = 'writing';
    });
  else if (bug !== 'silence of the supervisor')
    can(`${me} finds itself alone, and lets go of what it was offered`, (s) => leave(s[me]));
}

function hear(s: Moving, me: WorkerName, { step, move, next }: Message, bug: MovingBug): void {
  const own = s[me];
  const say = (answer: Step): void =>
    send(s, me, supervisorOf(s, me), { step: answer, move, next: 0 });
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
    say('go');
  } else if (step === 'refused' && own.role === 'frozen') {
    own.role = 'writing';
    say('back');
  }
}

function leave(own: Mover): void {
  Object.assign(own, { role: 'none', holds: false, next: 0 });
}
