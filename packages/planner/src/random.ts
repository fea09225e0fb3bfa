/** A seeded generator of numbers in [0, 1), 32 bits each (xorshift128): the same seed, the same run. */
export function seeded(seed: number): () => number {
  let [a, b, c, d] = [seed | 0, 362_436_069, 521_288_629, 88_675_123];
  const next = (): number => {
    const t = a ^ (a << 11);
    a = b;
    b = c;
    c = d;
    d = d ^ (d >>> 19) ^ t ^ (t >>> 8);
    return (d >>> 0) / 4_294_967_296;
  };
  for (let i = 0; i < 32; i += 1) next();
  return next;
}
