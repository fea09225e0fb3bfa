/** What two workers of one node say to each other to move a connection; the supervisor relays it. */

/** Version of the envelope; a successor that does not know it refuses. */
export const ENVELOPE_VERSION = 1;

/** Why a connection stays where it is: it is then drained or handed over. */
export const STAYS = {
  tls: 'TLS ends in this process: its keys cannot be given away.',
  protocol: 'It is no HTTP/1.1 connection that a Lastcall adapter knows.',
  body: 'The request has not arrived whole.',
  head: 'No head of the answer has been sent yet.',
  pipelined: 'The client has sent more, which this process has begun to read.',
  full: 'The client does not read: bytes are still to be written.',
  message: 'The client has sent part of a message, and not the rest.',
  owed: 'Work is promised to the client that is not delivered yet.',
  closing: 'The client has closed its side.',
  state: 'The application could not give its state, or it is no JSON.',
  'state-size': 'The state is larger than the limit.',
  compression: 'The WebSocket compresses with a context that cannot be given away.',
  'no-successor': 'No other worker of the newest generation serves.',
  'not-ready': 'The successor does not take work.',
  'no-handler': 'The successor has no handler for this kind of stream.',
  version: 'The successor does not know this version of the envelope or of the state.',
  server: 'The successor does not serve on that address.',
  thaw: 'The application could not take up the state in the successor.',
  'successor-gone': 'The successor ended before it was ready to take over.',
  'mixed-up': 'The successor was given another connection than the one this was about.',
  descriptors: 'The successor, or the supervisor, has no descriptor left for it.',
  'no-answer': 'The successor did not answer in time.',
  undone: 'The work ended, or was cancelled, while it was offered.',
} as const;

export type Stays = keyof typeof STAYS;

export interface Head {
  method: string;
  url: string;
  httpVersion: string;
  rawHeaders: string[];
}

/** One connection on its way. */
export interface Envelope {
  version: number;
  carrier: 'http' | 'ws';
  /** The application's name for this sort of stream; its successor looks it up. */
  kind: string;
  stateVersion: number;
  /** The application's state, as JSON. */
  state: string;
  /** The socket's inode: which connection this is about. */
  inode: number;
  lease: { kind: string; label: string | null; ageMs: number } | null;
  /** The address of the server that it belongs to. */
  server: string;
  request: Head;
  /** The head of the answer, as it was sent. */
  answer: { status: number; message: string; headers: string[] } | null;
  /** What the carrier needs besides. */
  extra: Record<string, unknown>;
}

/**
 * The steps of one move. `offer` says what is given. The successor gets ready and says `prepared` or
 * `refused`; the old one, which may still take it `back`, lets go with `go`. Only from then on may
 * the successor write.
 */
export type MoveStep =
  | { step: 'offer'; id: number; envelope: Envelope }
  | { step: 'prepared'; id: number }
  | { step: 'refused'; id: number; reason: Stays }
  | { step: 'go'; id: number }
  | { step: 'back'; id: number };

/** Steps of any number of moves, in their order. */
export interface Moves {
  type: 'moves';
  steps: MoveStep[];
}

/**
 * Comes after its offer and carries the connection; a message so short that it is hardly ever read
 * in two pieces.
 */
export interface MoveConnection {
  type: 'connection';
  id: number;
}

/** How many connections have stayed, and why; from a worker to its supervisor. */
export interface StayedReport {
  type: 'stayed';
  reasons: Partial<Record<Stays, number>>;
}

/** Work by kind that moves have taken in and given away, since the worker started. */
export interface MovedCounts {
  in: Record<string, number>;
  out: Record<string, number>;
}

/** A bare connection, as a process is given it: nothing reads from it. */
export interface Handle {
  readonly fd?: number;
  readonly writeQueueSize?: number;
  readStart(): number;
  readStop(): number;
  close(done?: () => void): void;
}

export type MoveMessage = Moves | MoveConnection;

/** To the worker at the other end of a move. */
export interface Sender {
  step(step: MoveStep): void;
  connection(id: number, handle: Handle): void;
}
