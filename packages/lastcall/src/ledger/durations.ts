const BUCKETS = 96;
const PER_OCTAVE = 4;
const HALF_LIFE = 1_000;

/** Upper edge of bucket `index` in milliseconds: quarter octaves from 1 ms to about 4.6 hours. */
const edgeMs = (index: number): number => 2 ** ((index + 1) / PER_OCTAVE);

/**
 * A compact sketch of durations: 96 logarithmic buckets (each 19 % wide), in which older values
 * weigh less: a value counts half after 1,000 newer ones.
 */
export class Durations {
  readonly #weights = new Float64Array(BUCKETS);
  #step = 1;
  count = 0;

  /** Adds one duration in milliseconds. */
  add(ms: number): void {
    const index = ms <= 1 ? 0 : Math.min(BUCKETS - 1, (Math.log2(ms) * PER_OCTAVE) | 0);
    this.#weights[index]! += this.#step;
    this.count += 1;
    this.#step *= GROWTH;
    if (this.#step > 1e12) this.#rescale();
  }

  /**
   * The duration that a piece of work of age `ageMs` will have reached in total with probability
   * `quantile`; `null` when nothing seen so far lasted as long as that.
   */
  quantileMs(quantile: number, ageMs = 0): number | null {
    const first = ageMs <= 1 ? 0 : Math.min(BUCKETS, (Math.log2(ageMs) * PER_OCTAVE) | 0);
    let total = 0;
    for (let i = first; i < BUCKETS; i += 1) total += this.#weights[i]!;
    if (total <= 0) return null;
    let seen = 0;
    for (let i = first; i < BUCKETS; i += 1) {
      seen += this.#weights[i]!;
      if (seen >= total * quantile) return edgeMs(i);
    }
    return edgeMs(BUCKETS - 1);
  }

  #rescale(): void {
    for (let i = 0; i < BUCKETS; i += 1) this.#weights[i]! /= this.#step;
    this.#step = 1;
  }
}

const GROWTH = 2 ** (1 / HALF_LIFE);
