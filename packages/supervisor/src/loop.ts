const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * The one loop: whatever happens (a signal, a message, an exit, a command) is only queued, and each
 * turn takes the whole queue, then looks once at what is to be done.
 */
export class Loop {
  readonly #turn: () => number;
  #queue: (() => void)[] = [];
  #scheduled = false;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  /** `turn` acts on the state and returns when it wants to be called next, on the monotonic clock. */
  constructor(turn: () => number) {
    this.#turn = turn;
  }

  /** Queues something to be done in the next turn; once the loop has ended, nothing is done any more. */
  post(happening: () => void): void {
    if (this.#ended) return;
    this.#queue.push(happening);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  end(): void {
    this.#ended = true;
    this.#queue = [];
    clearTimeout(this.#timer);
  }

  #run(): void {
    this.#scheduled = false;
    if (this.#ended) return;
    const taken = this.#queue;
    this.#queue = [];
    for (const happening of taken) happening();
    clearTimeout(this.#timer);
    const inMs = this.#turn() - performance.now();
    if (this.#ended || inMs === Infinity) return;
    this.#timer = setTimeout(
      () => this.post(() => undefined),
      Math.min(TIMER_MAX_MS, Math.max(1, Math.ceil(inMs))),
    );
  }
}
