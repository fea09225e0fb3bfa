const PER_OCTAVE = 32;
/** The first bucket ends at 2 ** -4 ms; the last begins at about 12 days. */
const LOWEST_OCTAVE = -4;
const BUCKETS = 34 * PER_OCTAVE;

/**
 * Measured durations in milliseconds, in 1,088 logarithmic buckets of 2 % each: as small for ten
 * values as for a log of 10 GB.
 */
export class Distribution {
  readonly #weights = new Float64Array(BUCKETS);
  #count = 0;
  #sorted: Float64Array | undefined;

  get count(): number {
    return this.#count;
  }

  /** Adds `weight` values of `ms`. */
  add(ms: number, weight = 1): void {
    const position = (Math.log2(ms) - LOWEST_OCTAVE) * PER_OCTAVE;
    const index = ms > 0 ? Math.max(0, Math.min(BUCKETS - 1, Math.floor(position))) : 0;
    this.#weights[index]! += weight;
    this.#count += weight;
    this.#sorted = undefined;
  }

  /**
   * Adds `weight` values that are known to lie between two edges only: evenly over the logarithm. Those
   * from 0 on, of which there is none, are taken to lie in the last octave.
   */
  addBetween(fromMs: number, toMs: number, weight: number): void {
    const from = Math.max(fromMs > 0 ? fromMs : toMs / 2, 2 ** LOWEST_OCTAVE);
    const steps = Math.max(1, Math.ceil(PER_OCTAVE * Math.log2(toMs / from)));
    for (let i = 0; i < steps; i += 1)
      this.add(from * (toMs / from) ** ((i + 0.5) / steps), weight / steps);
  }

  /** The duration that a share `quantile` of the work does not exceed. */
  quantileMs(quantile: number): number {
    let rest = quantile * this.#count;
    let last = 0;
    for (let i = 0; i < BUCKETS; i += 1) {
      const weight = this.#weights[i]!;
      if (weight === 0) continue;
      if (weight >= rest) return edgeMs(i + rest / weight);
      rest -= weight;
      last = i + 1;
    }
    return edgeMs(last);
  }

  get meanMs(): number {
    return this.#sum((i) => middleMs(i)) / this.#count;
  }

  /**
   * The share of the work in flight at a moment that needs longer than `ms` from then on. Long work
   * is more often in flight than short work: a piece of length x counts x times, and what is left of
   * it is even between 0 and x.
   */
  residualSurvival(ms: number): number {
    const left = this.#sum((i) => Math.max(0, middleMs(i) - ms));
    return left / this.#sum((i) => middleMs(i));
  }

  /** The least time within which a share of the work in flight ends, to the millisecond. */
  residualQuantileMs(share: number): number {
    let low = 0;
    let high = edgeMs(BUCKETS);
    while (high - low > 1) {
      const middle = (low + high) / 2;
      if (this.residualSurvival(middle) > 1 - share) low = middle;
      else high = middle;
    }
    return Math.ceil(high);
  }

  /** The duration at each of 65,536 equal steps of probability: drawing is one look into it. */
  table(): Float64Array {
    if (this.#sorted) return this.#sorted;
    const size = 65_536;
    const table = new Float64Array(size);
    let index = 0;
    let below = 0;
    for (let i = 0; i < size; i += 1) {
      const wanted = ((i + 0.5) / size) * this.#count;
      while (index < BUCKETS - 1 && below + this.#weights[index]! < wanted) {
        below += this.#weights[index]!;
        index += 1;
      }
      table[i] = edgeMs(index + Math.min(1, (wanted - below) / (this.#weights[index]! || 1)));
    }
    this.#sorted = table;
    return table;
  }

  #sum(of: (index: number) => number): number {
    let sum = 0;
    for (let i = 0; i < BUCKETS; i += 1)
      if (this.#weights[i]! > 0) sum += this.#weights[i]! * of(i);
    return sum;
  }
}

const edgeMs = (position: number): number => 2 ** (LOWEST_OCTAVE + position / PER_OCTAVE);
const middleMs = (index: number): number => edgeMs(index + 0.5);
