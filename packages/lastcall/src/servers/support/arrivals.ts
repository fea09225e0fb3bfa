const ENOUGH = 8;
const WEIGHT = 0.2;
/** With arrivals at random, silence of eight mean gaps is chance in fewer than 1 in 2,900 cases. */
const GAPS = 8;
const WINDOW_MIN_MS = 50;

/** Learns the rate at which clients connect anew, to tell when they have stopped. */
export class Arrivals {
  #count = 0;
  #gapMs = 0;
  #lastMs = -Infinity;

  note(nowMs: number): void {
    if (this.#count > 0)
      this.#gapMs =
        this.#count === 1
          ? nowMs - this.#lastMs
          : this.#gapMs + WEIGHT * (nowMs - this.#lastMs - this.#gapMs);
    this.#count += 1;
    this.#lastMs = nowMs;
  }

  /**
   * How long from `nowMs` silence must last until it shows that no more will come; 0 when that is
   * so already or when nothing regular came before.
   */
  silenceMs(nowMs: number): number {
    if (this.#count < ENOUGH) return 0;
    const windowMs = Math.max(WINDOW_MIN_MS, this.#gapMs * GAPS);
    return Math.max(0, this.#lastMs + windowMs - nowMs);
  }
}
