import type { Stop } from './stop.ts';

/**
 * A server as the lifecycle sees it. Adapters implement it; the lifecycle calls it in this order:
 * leave, drain, quiet, (finish), close. Every promise is resolved by an event, never by polling.
 */
export interface Drainable {
  /** The admin server closes last, after the logs are flushed. */
  readonly admin: boolean;
  /** The stop has begun; answers are marked. Resolves when no known source sends any more. */
  leave(stop: Stop): Promise<void>;
  /** New work is refused from here on. */
  drain(stop: Stop): void;
  /** Resolves when no connection from before the drain can still be owed an answer. */
  quiet(): Promise<void>;
  /** Gives the final answer for work that did not unwind after it was cancelled. */
  finish(): void;
  /** Closes the listener, then each connection in order. Resolves when the last is closed. */
  close(stop: Stop): Promise<void>;
  /** Destroys what is left. */
  destroy(): void;
  /** The stop was undone. */
  resume(): void;
}
