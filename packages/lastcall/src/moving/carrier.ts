import type { Lease } from '../ledger/lease.ts';
import type { Envelope, Handle, Stays } from './wire.ts';

/** What the application has declared of one stream. */
export interface Declared {
  kind: string;
  /** The state from which the successor goes on after the last byte written; anything that JSON holds. */
  freeze: () => unknown;
  version: number;
  maxStateBytes: number;
}

/** One open connection that can be given to another worker, whatever is spoken on it. */
export interface Carrier {
  readonly declared: Declared;
  readonly lease: Lease | undefined;
  /** It has ended, or its connection has gone. */
  readonly ended: boolean;
  /** Why it cannot be moved now; `undefined` when it may be. */
  obstacle(): Stays | undefined;
  /** Nothing that was written is still in this process. */
  readonly settled: boolean;
  /** What to say when it does not settle. */
  readonly unsettledBy: Stays;
  /** Resolves when everything written so far has left this process, or the connection has gone. */
  flushed(): Promise<void>;
  /**
   * Stops reading and writing. What is written from now on is kept for `back`. `onGone` is called
   * when the connection is destroyed meanwhile.
   */
  freeze(onGone: () => void): { envelope: FrozenEnvelope; handle: Handle };
  /** Whether the application has ended it since `freeze`. */
  readonly endedMeanwhile: boolean;
  /** Reads and writes again: the stream stays. */
  back(): void;
  /** Lets go: the connection belongs to another process. */
  left(): void;
}

/** What a carrier knows of the envelope; the rest is the same for all. */
export type FrozenEnvelope = Pick<Envelope, 'carrier' | 'server' | 'request' | 'answer' | 'extra'>;
