/**
 * What is in flight at a moment, drawn by chance: a piece that is x long is there x times as often, and
 * how much of it is left is even between 0 and x (the residual life of a renewal process).
 */
export class InFlight {
  readonly meanMs: number;
  readonly #table: Float64Array;
  /** The lengths up to each place in the table, added up. */
  readonly #upTo: Float64Array;

  /** `table`: durations of equal probability. */
  constructor(table: Float64Array) {
    this.#table = table;
    this.#upTo = new Float64Array(table.length);
    let sum = 0;
    for (const [i, ms] of table.entries()) this.#upTo[i] = sum += ms;
    this.meanMs = sum / table.length;
  }

  /** What is left of one piece, in milliseconds. */
  leftMs(random: () => number): number {
    return this.#table[this.#at(random() * this.#upTo.at(-1)!)]! * random();
  }

  /** The first place whose sum is above `wanted`. */
  #at(wanted: number): number {
    let [low, high] = [0, this.#upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#upTo[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
