import { Random } from './random.ts';

export type Deed =
  | 'drain'
  | 'reload'
  | 'scale'
  | 'kill worker'
  | 'kill supervisor'
  | 'restart node'
  | 'restart postgres';

export interface Happening {
  readonly deed: Deed;
  /** Which of the nodes. */
  readonly node: number;
  /** Waited before it, in milliseconds. */
  readonly afterMs: number;
  /** A number of its own: how many workers, which of them, how long. */
  readonly dice: number;
}

const weights: Record<Deed, number> = {
  drain: 20,
  reload: 20,
  scale: 12,
  'kill worker': 26,
  'kill supervisor': 7,
  'restart node': 7,
  'restart postgres': 8,
};

/** So many happenings; the same seed gives the same ones. */
export function schedule(seed: number, count: number, nodes: number): Happening[] {
  const random = new Random(seed);
  const bag = (Object.entries(weights) as [Deed, number][]).flatMap(([deed, weight]) =>
    Array.from({ length: weight }, () => deed),
  );
  return Array.from({ length: count }, () => ({
    deed: random.pick(bag),
    node: random.whole(0, nodes - 1),
    afterMs: random.whole(100, 900),
    dice: random.next(),
  }));
}
