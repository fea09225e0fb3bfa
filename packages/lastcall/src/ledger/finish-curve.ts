/** A process tells its node the times by which its work has ended with each of these chances. */
export const CHANCES = [0.5, 0.75, 0.9, 0.97, 0.99, 0.997, 0.999] as const;

/** The times in milliseconds, one for each of `CHANCES`. */
export type FinishCurve = readonly number[];

const LEAST_MS = 0.01;

/**
 * The time by which the work of several processes has ended with probability `quantile`: it has when
 * the last of them is done, so their chances are multiplied. It is later than the same quantile of
 * any of them.
 */
export function joinFinish(curves: readonly FinishCurve[], quantile: number): number {
  const busy = curves.filter((curve) => curve.some((ms) => ms > 0));
  if (busy.length === 0) return 0;
  const lines = busy.map(lineOf);
  const wanted = Math.log(quantile);
  let low = Math.log(Math.min(...busy.flat(), LEAST_MS));
  let high = Math.log(Math.max(...busy.flat(), LEAST_MS)) + 5;
  while (high - low > 0.002) {
    const middle = (low + high) / 2;
    const reached = lines.reduce((sum, line) => sum - Math.exp(-at(line, middle)), 0);
    if (reached >= wanted) high = middle;
    else low = middle;
  }
  return Math.exp(high);
}

type Line = readonly { x: number; y: number }[];

/** A maximum of many looks straight where the axes are ln t and -ln(-ln chance) (Gumbel). */
function lineOf(curve: FinishCurve): Line {
  let last = -Infinity;
  return CHANCES.map((chance, i) => {
    last = Math.max(Math.log(Math.max(curve[i]!, LEAST_MS)), last + 1e-3);
    return { x: last, y: -Math.log(-Math.log(chance)) };
  });
}

/** Straight from point to point, and on beyond the ends. */
function at(line: Line, x: number): number {
  let i = 1;
  while (i < line.length - 1 && line[i]!.x < x) i += 1;
  const [a, b] = [line[i - 1]!, line[i]!];
  return a.y + ((b.y - a.y) * (x - a.x)) / (b.x - a.x);
}
