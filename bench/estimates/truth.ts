// The true survival functions behind the synthetic workloads, for the oracle.

/** The share of durations above so many milliseconds. */
export type Survival = (ms: number) => number;

export const exponentialSurvival =
  (meanMs: number): Survival =>
  (ms) =>
    Math.exp(-ms / meanMs);

export const paretoSurvival =
  (leastMs: number, exponent: number): Survival =>
  (ms) =>
    ms <= leastMs ? 1 : (leastMs / ms) ** exponent;

export const normalSurvival =
  (meanMs: number, sigmaMs: number): Survival =>
  (ms) =>
    above((ms - meanMs) / sigmaMs);

export const lognormalSurvival =
  (medianMs: number, sigma: number): Survival =>
  (ms) =>
    ms <= 0 ? 1 : above(Math.log(ms / medianMs) / sigma);

/** What is measured, as it is: for recorded traffic, whose true law nobody knows. */
export function empiricalSurvival(durationsMs: readonly number[]): Survival {
  const sorted = Float64Array.from(durationsMs).sort();
  return (ms) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! > ms) high = middle;
      else low = middle + 1;
    }
    return (sorted.length - low) / sorted.length;
  };
}

const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/** The standard normal law's upper tail: its power series near 0, its continued fraction far out. */
function above(z: number): number {
  if (z < 0) return 1 - above(-z);
  if (z < 5) {
    let [term, sum] = [z, z];
    for (let i = 3; term > 1e-17 * sum; i += 2) sum += term *= (z * z) / i;
    return 0.5 - density(z) * sum;
  }
  let fraction = z;
  for (let i = 30; i > 0; i -= 1) fraction = z + i / fraction;
  return density(z) / fraction;
}
