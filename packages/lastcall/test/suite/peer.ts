import type { Socket } from 'node:net';
import type { ServerProcess } from '../support/process.ts';

/** The answer to one piece of work. */
export interface Reply {
  /** 200 done, 500 the application's error, 503 refused or cancelled; other protocols map to these. */
  status: number;
  text: string;
  bytes: number;
  /** What tells the client to come back: `Retry-After`, a push-back in ms, a reconnect hint. */
  retryAfter: string | undefined;
  /** The server said with this answer, or before it, that the connection takes no more. */
  last: boolean;
}

/** One connection of a client that retries nothing. */
export interface Peer {
  /** Asks for one piece of work; undefined when the connection ended without a whole answer. */
  ask(work: string): Promise<Reply | undefined>;
  /** Asks for all of them at once, on this one connection; answers in the order asked. */
  askAll(works: readonly string[]): Promise<(Reply | undefined)[]>;
  /** Uploads `bytes` to `/upload`; the second half is sent when `halfway` has ended. */
  upload(bytes: number, halfway: () => Promise<void>): Promise<Reply | undefined>;
  /** As `ask`, but reads nothing for half a second after the first bytes, when `paused` is called. */
  askSlowly(work: string, paused: () => void): Promise<Reply | undefined>;
  /** The server has told this peer that the connection takes no more, or has closed it. */
  readonly told: boolean;
  /** Resolves when the server has closed the connection: `end` in order, `reset` otherwise. */
  closed(): Promise<'end' | 'reset' | 'open'>;
  /** The client goes away at once. */
  destroy(): void;
}

/** Clients that break the rules. Each is past its handshake when it is returned. */
export interface Vandals {
  /** Reads nothing, and never closes its side. */
  deaf(port: number): Promise<Socket>;
  /** Sends what the protocol allows, without a pause. */
  flood(port: number): Promise<Socket>;
  /** Has sent what the protocol does not know. */
  garbage(port: number): Promise<Socket>;
}

/** How clients of one protocol speak. */
export interface Driver {
  /** Rejects when the connection is refused. */
  open(port: number): Promise<Peer>;
  /** What a prober sees on a new connection; rejects when it is refused. */
  probe(server: ServerProcess): Promise<{ live: boolean; ready: boolean }>;
  vandals: Vandals;
  /** What the counts that the fixture prints say of vandals. */
  counts?: readonly ('terminated' | 'faulty')[];
  /** What the fixture needs in its environment to speak this protocol. */
  env?: Record<string, string>;
}
