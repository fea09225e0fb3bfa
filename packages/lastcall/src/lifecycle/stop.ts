import type { ResolvedOptions } from '../options.ts';

/** How a stop is asked for. */
export interface StopRequest {
  /** Why, in the words that the record and the exit line use: `SIGTERM`, `POST /shutdown/initiate`. */
  reason: string;
  /** Close and end once drained (default true); false holds in `draining` until a later stop asks for it. */
  exit?: boolean;
  /** Serve on until routing has moved away (default true); false refuses new work at once. */
  leave?: boolean;
  /**
   * Other processes accept on the same listening socket: close it here at once, serve what is
   * connected, refuse nothing. Default false.
   */
  siblings?: boolean;
  /** Runs before the servers are told of the stop, within its deadline: work is given to others. */
  first?: () => Promise<unknown>;
  /** The error that made this stop necessary; the exit code is then 1. */
  fatal?: unknown;
}

export type DrainResult =
  | { status: 'completed' }
  | { status: 'timeout'; cancelled: number }
  | { status: 'undone' };

/** One stop: its one absolute deadline on the monotonic clock, and what has been asked of it since. */
export class Stop {
  readonly reason: string;
  readonly startedMs = performance.now();
  readonly startedAt = new Date();
  leave: boolean;
  readonly siblings: boolean;
  readonly first: StopRequest['first'];
  readonly readyBefore: boolean;
  readonly inFlightAtStart: number;
  /** When work is cancelled. */
  deadlineMs: number;
  /** When the process must have ended. */
  endMs: number;
  fatal: unknown;
  exit: boolean;
  forced = false;
  undone = false;
  /** The servers have been told; one that is attached from now on is told at once. */
  told = false;
  cancelled = 0;
  /** Answers everyone who waits for this drain. */
  readonly drained = Promise.withResolvers<DrainResult>();
  readonly #forceMs: number;
  #pulse = Promise.withResolvers<void>();

  constructor(
    request: StopRequest,
    options: Pick<ResolvedOptions, 'graceMs' | 'forceMs'>,
    before: { ready: boolean; inFlight: number },
  ) {
    this.reason = request.reason;
    this.leave = request.leave ?? true;
    this.siblings = request.siblings ?? false;
    this.first = request.first;
    this.exit = request.exit ?? true;
    this.fatal = request.fatal;
    this.readyBefore = before.ready;
    this.inFlightAtStart = before.inFlight;
    this.#forceMs = options.forceMs;
    this.deadlineMs = this.startedMs + options.graceMs;
    this.endMs = this.deadlineMs + options.forceMs;
  }

  /** Seconds since the stop began. */
  get durationSeconds(): number {
    return (performance.now() - this.startedMs) / 1_000;
  }

  get deadlineAt(): Date {
    return new Date(Date.now() + (this.deadlineMs - performance.now()));
  }

  /** A held drain is now to end the process. Hooks get their time even when the deadline has passed. */
  requestExit(fatal?: unknown): void {
    if (!this.exit) {
      this.exit = true;
      this.endMs = Math.max(this.endMs, performance.now() + this.#forceMs);
    }
    this.fatal ??= fatal;
    this.#wake();
  }

  /** Refuse new work at once, wherever routing is. */
  skipLeave(): void {
    this.leave = false;
    this.#wake();
  }

  /** Cancel now: the deadline is here, and `forceMs` from now the end. */
  force(): void {
    const now = performance.now();
    this.forced = true;
    this.deadlineMs = Math.min(this.deadlineMs, now);
    this.endMs = Math.min(this.endMs, now + this.#forceMs);
    this.#wake();
  }

  undo(): void {
    this.undone = true;
    this.drained.resolve({ status: 'undone' });
    this.#wake();
  }

  #wake(): void {
    this.#pulse.resolve();
    this.#pulse = Promise.withResolvers();
  }

  /**
   * Waits for `event` (undefined: for the time alone), but not past `limit` (read again after each
   * change of this stop), and not once undone. Returns whether the event came.
   */
  async until(event: Promise<unknown> | undefined, limit: () => number): Promise<boolean> {
    const seen = { came: false };
    const arrival = event?.then(() => {
      seen.came = true;
    });
    while (!seen.came && !this.undone) {
      const restMs = limit() - performance.now();
      // Something that has already happened still counts, however late it is.
      if (restMs <= 0) await new Promise((resolve) => setImmediate(resolve));
      if (restMs <= 0) break;
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((resolve) => {
        // An endless wait needs no timer: a pulse ends it.
        if (restMs !== Infinity) timer = setTimeout(resolve, Math.ceil(restMs));
      });
      await Promise.race([...(arrival ? [arrival] : []), this.#pulse.promise, timeout]);
      clearTimeout(timer);
    }
    return seen.came;
  }
}
