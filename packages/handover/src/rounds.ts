import type { Caretaker } from './caretaker.ts';
import type { Outbox } from './outbox.ts';
import type { Session } from './session.ts';
import type { Workshop } from './workshop.ts';

const tickMs = 250;
const ticksPerSweep = 40;

/** Where the rounds go. */
export interface Places {
  readonly session: Session;
  readonly caretaker: Caretaker;
  readonly workshop: Workshop;
  readonly outbox: Outbox;
}

/** Looks now and then for what nobody wakes for: a silent death, a delay that is over, a missed answer. */
export class Rounds {
  readonly #at: Places;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #ended = false;
  /** What nobody waits for but `end`: a pool that ends forgets who still waits for a connection. */
  #doing: Promise<unknown> = Promise.resolve();

  constructor(places: Places) {
    this.#at = places;
  }

  /** Goes round from now on, until `end`. */
  begin(): void {
    if (this.#ended) return;
    this.#timer = setTimeout(() => void this.now().then(() => this.begin()), tickMs);
    this.#timer.unref();
  }

  /** Goes round once. */
  now(): Promise<void> {
    return this.also(() => this.#tick());
  }

  /** Does something that has to be over before the pools end; nothing after `end`. */
  async also(work: () => Promise<void>): Promise<void> {
    if (this.#ended) return;
    const done = work();
    this.#doing = Promise.all([this.#doing, done]);
    await done;
  }

  /** Begins nothing more, and waits for what is being done. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#doing;
  }

  async #tick(): Promise<void> {
    const { session, caretaker, workshop, outbox } = this.#at;
    if (!session.up) return;
    await caretaker.bury();
    await workshop.look();
    await workshop.settle(this.#ticks % ticksPerSweep === ticksPerSweep - 1);
    for (const kind of workshop.kinds) {
      await workshop.claim(kind);
      await workshop.answer(kind);
    }
    this.#ticks += 1;
    // Not waited for: the other rounds go on beside a long one.
    if (this.#ticks % ticksPerSweep === 1) void this.also(() => caretaker.sweep());
    if (this.#ticks % 4 === 0) outbox.wake();
  }
}
