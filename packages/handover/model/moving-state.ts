// The state of the model of a moving connection, and the channels of it.
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

export type Step = 'offer' | 'prepared' | 'refused' | 'go' | 'back';
export interface Message {
  step: Step;
  move: number;
  next: number;
}

export type WorkerName = 'w0' | 'w1';
export type RelayName = 's0' | 's1';
export type Party = WorkerName | RelayName;

/** A supervisor. It is between two others: its workers, or a worker and the other supervisor. */
export interface Relay {
  alive: boolean;
  between: [Party, Party];
  /** What it knows of the moves under way; `holds`: its copy of the connection. */
  moves: { move: number; from: Party; to: Party; holds: boolean }[];
}

export interface Moving {
  w0: Mover;
  w1: Mover;
  s0: Relay;
  /** While one supervisor replaces the other: that of `w1`. */
  s1: Relay | undefined;
  /** What is on the way, by `sender>reader`. */
  wires: Record<string, Message[]>;
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
  | 'silence of the successor'
  /** A worker keeps the connection that it was offered through a supervisor that has died. */
  | 'silence of the supervisor'
  /** A supervisor does not speak for the other one when that has died. */
  | 'silence of the other supervisor'
  /** A supervisor passes on that the stream is taken over when it hears that the successor is ready. */
  | 'the second relay answers for the first';

export interface MovingBounds {
  events: number;
  moves: number;
  kills: number;
  /** An upgrade: each worker has a supervisor of its own, and the two relay to each other. */
  upgrade?: boolean;
}

export const start = ({ upgrade = false }: MovingBounds): Moving => {
  const worker = (role: Mover['role']): Mover => ({
    alive: true,
    role,
    next: role === 'writing' ? 1 : 0,
    move: 0,
    holds: role === 'writing',
  });
  const relay = (...between: [Party, Party]): Relay => ({ alive: true, between, moves: [] });
  const row: Party[] = upgrade ? ['w0', 's0', 's1', 'w1'] : ['w0', 's0', 'w1'];
  const wires = row.slice(1).flatMap((party, i) => [`${row[i]}>${party}`, `${party}>${row[i]}`]);
  return {
    w0: worker('writing'),
    w1: worker('none'),
    s0: relay('w0', row[2]!),
    s1: upgrade ? relay('s0', 'w1') : undefined,
    wires: Object.fromEntries(wires.map((name) => [name, []])),
    read: [],
    client: 'connected',
    moves: 0,
    kills: 0,
  };
};

export type Can = (name: string, change: (s: Moving) => void) => void;

export const supervisorOf = ({ s1 }: Moving, me: WorkerName): RelayName =>
  s1 && me === 'w1' ? 's1' : 's0';
export const isAlive = (s: Moving, who: Party): boolean => s[who]?.alive ?? false;
export const wire = (s: Moving, from: Party, to: Party): Message[] =>
  s.wires[`${from}>${to}`] ?? [];

/** What nobody reads any more is not sent. */
export function send(s: Moving, from: Party, to: Party, message: Message): void {
  if (isAlive(s, to)) wire(s, from, to).push(message);
}

export function receive(s: Moving, from: Party, to: Party): Message {
  return wire(s, from, to).shift()!;
}

/** A process gathers steps for one message: those that are not written yet are lost with it. */
export function loseUnsent(s: Moving, from: Party, to: Party, unsent: number): void {
  wire(s, from, to).splice(wire(s, from, to).length - unsent);
}
