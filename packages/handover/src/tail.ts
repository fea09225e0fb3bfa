import { HandoverError } from './errors.ts';

/** One event of a stream. */
export interface Event {
  /** 1, 2, 3, ... without gaps, whoever wrote it. */
  seq: number;
  type: string;
  data: unknown;
}

export type WorkState = 'waiting' | 'running' | 'completed' | 'failed' | 'cancelled';

/** A reader that is this far ahead of its consumer is read on from the database later. */
const bufferedMax = 1_000;

/** A reader of one stream: what it has been given, and what it has seen. Made by `Hub`. */
export class Tail implements AsyncIterableIterator<Event> {
  readonly num: string;
  readonly id: string;
  /** The last event that was given to this reader. */
  after: number;
  /** It needs a look at the database. */
  behind = true;
  readonly #hub: { fetch(): void; leave(tail: Tail): void };
  readonly #ready: Event[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.finish();
  #waiter: PromiseWithResolvers<IteratorResult<Event>> | undefined;
  #over = false;
  #error: unknown;

  constructor(
    hub: { fetch(): void; leave(tail: Tail): void },
    work: { num: string; id: string; after: number },
    signal: AbortSignal | undefined,
  ) {
    this.#hub = hub;
    this.num = work.num;
    this.id = work.id;
    this.after = work.after;
    this.#signal = signal;
    if (signal?.aborted) this.finish();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get full(): boolean {
    return this.#ready.length >= bufferedMax;
  }

  /** Takes events that follow on what it has; anything else is left to the database. */
  give(first: number, events: readonly Event[]): void {
    if (this.#over || first > this.after + 1 || this.full) {
      this.behind = true;
      return;
    }
    for (const event of events) {
      if (event.seq !== this.after + 1) continue;
      this.after = event.seq;
      if (this.#waiter) {
        this.#waiter.resolve({ done: false, value: event });
        this.#waiter = undefined;
      } else this.#ready.push(event);
    }
  }

  /** There will be no more events; with an error, after what has been given. */
  finish(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    // A signal that also listens to one of the whole process is kept by its listeners.
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#hub.leave(this);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (error !== undefined) waiter?.reject(error);
    else waiter?.resolve({ done: true, value: undefined });
  }

  expired(earliest: number): void {
    this.finish(expired(this.id, this.after, earliest));
  }

  async next(): Promise<IteratorResult<Event>> {
    const value = this.#ready.shift();
    if (value) {
      if (this.behind && this.#ready.length < bufferedMax / 2 && !this.#over) this.#hub.fetch();
      return { done: false, value };
    }
    if (this.#over) {
      const error = this.#error;
      this.#error = undefined;
      if (error !== undefined) throw error;
      return { done: true, value: undefined };
    }
    if (this.behind) this.#hub.fetch();
    this.#waiter ??= Promise.withResolvers();
    return this.#waiter.promise;
  }

  async return(): Promise<IteratorResult<Event>> {
    this.finish();
    this.#ready.length = 0;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

export const expired = (id: string, after: number, earliest: number): HandoverError =>
  new HandoverError(
    'ERR_HANDOVER_EXPIRED',
    `Work ${id}: event ${after + 1} is no longer kept; the earliest one kept is ${earliest}.`,
    { id, after, earliest },
  );
