// The supervisors of the model: one between two workers, or, while one supervisor replaces the other,
// two in a row. Each only passes on what one neighbour says to the other, and speaks for one that died.
import {
  type Can,
  isAlive,
  loseUnsent,
  type Message,
  type Moving,
  type MovingBug,
  type Party,
  receive,
  type RelayName,
  send,
  wire,
} from './moving-state.ts';

const isSupervisor = (party: Party): boolean => party.startsWith('s');

/** What a supervisor reads, and what it does when a neighbour says nothing any more. */
export function relaySteps(from: Moving, me: RelayName, bug: MovingBug, can: Can): void {
  const [left, right] = from[me]!.between;
  for (const [neighbour, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const message = wire(from, neighbour, me)[0];
    if (message)
      can(`${me} relays ${message.step} of ${neighbour}`, (s) =>
        relay(s, me, neighbour, other, { message: receive(s, neighbour, me), bug }),
      );
    else if (!isAlive(from, neighbour)) buries(from, me, neighbour, { bug, can });
  }
}

function relay(
  s: Moving,
  me: RelayName,
  from: Party,
  to: Party,
  { message, bug }: { message: Message; bug: MovingBug },
): void {
  const { step, move } = message;
  const own = s[me]!;
  const known = own.moves.find((m) => m.move === move);
  if (step === 'offer') {
    if (!isAlive(s, to)) return send(s, me, from, { step: 'refused', move, next: 0 });
    own.moves.push({ move, from, to, holds: true });
    return send(s, me, to, message);
  }
  if (!known) return;
  known.holds = false;
  const hasty = bug === 'the second relay answers for the first' && isSupervisor(to);
  if (step === 'go' || step === 'back') own.moves = own.moves.filter((m) => m !== known);
  else if (step === 'prepared' && hasty) send(s, me, from, { step: 'go', move, next: 0 });
  send(s, me, to, message);
}

/** A neighbour has ended: who gave through it hears of a refusal, who was given hears that it goes back. */
function buries(
  from: Moving,
  me: RelayName,
  dead: Party,
  { bug, can }: { bug: MovingBug; can: Can },
): void {
  if (bug === 'silence of the other supervisor' && isSupervisor(dead)) return;
  const mute = bug === 'silence of the successor';
  const own = from[me]!.moves.filter(
    (m) =>
      (m.from === dead && bug !== 'silence of the old') || (m.to === dead && (m.holds || !mute)),
  );
  if (own.length === 0) return;
  can(`${me} finds that ${dead} has ended`, (s) => {
    const numbers = new Set(own.map(({ move }) => move));
    for (const { move, from: giver, to: taker } of own)
      if (giver === dead) send(s, me, taker, { step: 'back', move, next: 0 });
      else if (!mute) send(s, me, giver, { step: 'refused', move, next: 0 });
    s[me]!.moves = s[me]!.moves.filter(({ move }) => !numbers.has(move));
  });
}

/** It is killed, with any number of steps unsent to each side. */
export function supervisorDies(from: Moving, me: RelayName, can: Can): void {
  const [left, right] = from[me]!.between;
  for (let a = 0; a <= wire(from, me, left).length; a += 1)
    for (let b = 0; b <= wire(from, me, right).length; b += 1)
      can(`${me} is killed with ${a} and ${b} steps unsent`, (s) => {
        s.kills += 1;
        loseUnsent(s, me, left, a);
        loseUnsent(s, me, right, b);
        Object.assign(s[me]!, { alive: false, moves: [] });
        for (const neighbour of [left, right]) s.wires[`${neighbour}>${me}`] = [];
      });
}
