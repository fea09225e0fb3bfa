import type { Lifecycle } from 'lastcall';

const beforeMs = 500;

/**
 * Shortly before the deadline of a stop the connections that wait for work which goes on elsewhere
 * are told where it goes on: nothing is then left that the deadline would have to cut.
 */
export class LastMoments {
  #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(lifecycle: Lifecycle) {
    lifecycle.events.on('state', ({ to }) => {
      const { deadlineMs } = lifecycle.currentStop ?? {};
      if (to === 'leaving' && deadlineMs !== undefined) {
        const leftMs = deadlineMs - performance.now();
        const inMs = leftMs - Math.min(beforeMs, leftMs / 4);
        clearTimeout(this.#timer);
        if (inMs < 2 ** 31) this.#timer = setTimeout(() => this.#controller.abort(), inMs).unref();
      } else if (to === 'ready') {
        clearTimeout(this.#timer);
        if (this.signal.aborted) this.#controller = new AbortController();
      }
    });
  }

  /** Aborts when they have come. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }
}
