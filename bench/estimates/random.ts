/** A seeded generator of numbers in [0, 1): the same seed gives the same run (xorshift128+ in 32-bit words). */
export function seeded(seed: number): () => number {
  let [a, b, c, d] = [seed | 0 || 1, 362_436_069, 521_288_629, 88_675_123];
  const next = (): number => {
    const t = a ^ (a << 11);
    [a, b, c] = [b, c, d];
    d = d ^ (d >>> 19) ^ t ^ (t >>> 8);
    return (d >>> 0) / 4_294_967_296;
  };
  for (let i = 0; i < 32; i += 1) next();
  return next;
}

/** A standard normal value (Box and Muller). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** An exponential value with the given mean. */
export const exponential = (random: () => number, mean: number): number =>
  -mean * Math.log(1 - random());
