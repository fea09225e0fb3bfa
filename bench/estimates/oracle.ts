// What nobody can beat: the estimates of one who knows the true law of the durations and the age of
// each lease, but not the future.
import type { Survival } from './truth.ts';

/** A piece of work in flight, as the oracle sees it. */
export interface Open {
  ageMs: number;
  survival: Survival;
}

/** Steps of the table of a drain's law: 2 % each. */
const STEP = 1.02;

/** The law of one drain: the time until the last of the work in flight ends. */
export class DrainLaw {
  readonly #open: readonly Open[];
  readonly #alive: number[];

  constructor(open: readonly Open[]) {
    this.#open = open;
    this.#alive = open.map(({ ageMs, survival }) => survival(ageMs));
  }

  /** The chance that all have ended within a time. */
  share(ms: number): number {
    let product = 1;
    for (let i = 0; i < this.#open.length && product > 0; i += 1) {
      const { ageMs, survival } = this.#open[i]!;
      const alive = this.#alive[i]!;
      if (alive > 0) product *= 1 - survival(ageMs + ms) / alive;
    }
    return product;
  }

  /** The least time within which all have ended with that chance, to within 0.1 %. */
  quantileMs(quantile: number): number {
    let high = 1;
    while (this.share(high) < quantile && high < 2 ** 60) high *= 2;
    let low = high / 2;
    if (high === 1) low = 0;
    while (high - low > 0.001 * high) {
      const middle = (low + high) / 2;
      if (this.share(middle) >= quantile) high = middle;
      else low = middle;
    }
    return high;
  }

  /**
   * For each error, the chance that the number which has the best chance is no further from the fact
   * than that: a guess x is within a share e of the fact when the fact is in [x / (1 + e), x / (1 - e)].
   */
  bestChances(errors: readonly number[]): number[] {
    const fromMs = this.quantileMs(0.001);
    const untilMs = this.quantileMs(0.999);
    const shares: number[] = [];
    for (let ms = fromMs; ms < untilMs * STEP; ms *= STEP) shares.push(this.share(ms));
    return errors.map((error) => {
      const width = Math.log((1 + error) / (1 - error)) / Math.log(STEP);
      const [whole, part] = [Math.floor(width), width % 1];
      let best = 0;
      for (let i = 0; i < shares.length; i += 1) {
        const [a, b] = [shares[i + whole] ?? 1, shares[i + whole + 1] ?? 1];
        best = Math.max(best, a + (b - a) * part - shares[i]!);
      }
      return best;
    });
  }
}

const ERRORS = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);

/**
 * The least median error that any estimator can have over these drains, who looks at nothing but the
 * past: the error within which the best guess for each lies half of the time.
 */
export function leastMedianError(laws: readonly DrainLaw[]): number {
  const sums = ERRORS.map(() => 0);
  for (const law of laws)
    law.bestChances(ERRORS).forEach((chance, i) => {
      sums[i]! += chance / laws.length;
    });
  const at = sums.findIndex((share) => share >= 0.5);
  if (at <= 0) return ERRORS[Math.max(0, at)]!;
  return ERRORS[at - 1]! + (0.01 * (0.5 - sums[at - 1]!)) / (sums[at]! - sums[at - 1]!);
}
