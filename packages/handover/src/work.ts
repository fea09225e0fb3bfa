import type pg from 'pg';
import type { WorkState } from './tail.ts';

export interface AddOptions {
  /** Adding the same id twice adds it once. Default: a new UUID. */
  id?: string;
  /** Begin here, now, if this worker has a handler for it and does not drain. */
  here?: boolean;
  /** Begin no earlier than this, in milliseconds. */
  delayMs?: number;
  /** Runs that may fail before the work has. Default 3. */
  maxAttempts?: number;
  /**
   * Workers that may die with the work, without a checkpoint in between that differs from the one
   * before, until it has failed. Default 10.
   */
  maxLosses?: number;
  /** Add it in this client's transaction. It is begun when that commits; `here` does not apply. */
  client?: pg.ClientBase;
}

/** What is known of a work. */
export interface Work {
  id: string;
  kind: string;
  state: WorkState;
  input: unknown;
  result: unknown;
  error: unknown;
  attempts: number;
  /** Workers that have died with it, over its whole life. */
  losses: number;
  firstSeq: number;
  lastSeq: number;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  /** Why it was cancelled; set at once, while its run may still be ending. */
  cancelReason: string | null;
}
