// Exact confidence intervals for a loss rate (Clopper-Pearson, by the incomplete beta function).

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The two-sided interval for `losses` of `promises` at the confidence (0.999 is 99.9 %).
 * With no loss, `high` is the one-sided bound 1 - (1 - confidence)^(1/promises).
 */
export function lossInterval(losses: number, promises: number, confidence: number): Interval {
  if (promises === 0) return { low: 0, high: 1 };
  const tail = losses === 0 || losses === promises ? 1 - confidence : (1 - confidence) / 2;
  return {
    low: losses === 0 ? 0 : quantile(tail, losses, promises - losses + 1),
    high: losses === promises ? 1 : quantile(1 - tail, losses + 1, promises - losses),
  };
}

/** How many promises without a loss show, at the confidence, that fewer than `rate` are lost. */
export function promisesNeeded(rate: number, confidence: number): number {
  return Math.ceil(Math.log(1 - confidence) / Math.log(1 - rate));
}

/** The x at which the regularized incomplete beta function reaches p, by bisection. */
function quantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 200 && high - low > 1e-16; step += 1) {
    const middle = (low + high) / 2;
    if (incompleteBeta(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** I_x(a, b), by its continued fraction (Lentz); converges fast below the mean. */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return (front * fraction) / a;
}

const lanczos = [
  76.1800917294715, -86.5053203294168, 24.0140982408309, -1.23173957245015, 1.208650973866179e-3,
  -5.395239384953e-6,
];

/** ln(gamma(x)) for x > 0 (Lanczos). */
function logGamma(x: number): number {
  const base = x + 5.5 - (x + 0.5) * Math.log(x + 5.5);
  const series = lanczos.reduce(
    (sum, factor, index) => sum + factor / (x + 1 + index),
    1.00000000019001,
  );
  return Math.log((2.506628274631 * series) / x) - base;
}
