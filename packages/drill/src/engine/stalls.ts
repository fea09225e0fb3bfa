// When the drill itself did not run: what it did late then is not the server's doing.
import { nowMs } from './clock.ts';

const everyMs = 10;

/** Watches this process's own event loop; `stop` ends the watch. */
export class Stalls {
  readonly #timer: NodeJS.Timeout;
  #lastMs = nowMs();
  /** The ends of its stalls. */
  readonly #seen: number[] = [];
  readonly #leastMs: number;
  /** How often a client was found to have been held up. */
  heldUps = 0;

  /** A loop that does not turn for `leastMs` has stalled. */
  constructor(leastMs: number) {
    this.#leastMs = leastMs;
    this.#timer = setInterval(() => {
      this.#turned();
    }, everyMs);
    this.#timer.unref();
  }

  /** Whether the loop stalled between `sinceMs` and now; also while the present turn lasts. */
  since(sinceMs: number): boolean {
    const stalledNow = nowMs() - Math.max(this.#lastMs, sinceMs) > this.#leastMs;
    return this.#count(stalledNow || this.#seen.some((endMs) => endMs > sinceMs));
  }

  /** Whether a client that has had nothing to wait for since `sinceMs` comes late with what is next. */
  heldUp(sinceMs: number): boolean {
    return this.#count(nowMs() - sinceMs > this.#leastMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #count(heldUp: boolean): boolean {
    if (heldUp) this.heldUps += 1;
    return heldUp;
  }

  #turned(): void {
    const atMs = nowMs();
    if (atMs - this.#lastMs > this.#leastMs) this.#seen.push(atMs);
    this.#lastMs = atMs;
  }
}
