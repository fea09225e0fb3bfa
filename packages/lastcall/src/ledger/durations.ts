const PER_OCTAVE = 8;
const BUCKETS = 24 * PER_OCTAVE;
const HALF_LIFE = 1_000;
const GROWTH = 2 ** (1 / HALF_LIFE);

/** A tail is fitted to so many of the longest observations, and to this share of all at the most. */
const TAIL_FIT = 100;
const TAIL_SHARE = 0.25;
/** It is believed in place of the observations where fewer than these are left. */
const TAIL_FROM = 20;
/** Bounds of its shape: below 0 it ends somewhere, 0 is exponential, from 1 on it has no mean. */
const SHAPES = [-0.4, 1.2] as const;

/** A sketch as it is written to disk: pairs of bucket and weight, and how many it has seen. */
export interface SavedDurations {
  count: number;
  weights: [number, number][];
}

/**
 * A compact sketch of durations: 192 logarithmic buckets, each 9 % wide, from 1 ms to 4.6 hours, in
 * 1.7 KiB. Older values weigh less: one counts half after 1,000 newer ones. Its tail is
 * fitted to the longest values, so that it goes on beyond the longest one.
 */
export class Durations {
  /** Durations added since the sketch was first begun, over restarts. */
  count = 0;
  /** Durations of this process by octave, none forgotten: bucket i ends at 2 ** (i + 1) ms. */
  readonly octaves = new Float64Array(BUCKETS / PER_OCTAVE);
  /** The sum of these, in milliseconds. */
  sumMs = 0;
  readonly #weights = new Float64Array(BUCKETS);
  #step = 1;
  #shape: Shape | undefined;

  /** Adds one duration in milliseconds. */
  add(ms: number): void {
    const index = ms <= 1 ? 0 : Math.min(BUCKETS - 1, (Math.log2(ms) * PER_OCTAVE) | 0);
    this.#weights[index]! += this.#step;
    this.octaves[(index / PER_OCTAVE) | 0]! += 1;
    this.sumMs += ms;
    this.count += 1;
    this.#step *= GROWTH;
    this.#shape = undefined;
    if (this.#step > 1e12) this.#rescale();
  }

  /** The share of durations above `ms`. */
  survival(ms: number): number {
    return this.#shaped.survival(ms);
  }

  /** How many durations above `ms` one would expect among those that the sketch stands for. */
  expectedAbove(ms: number): number {
    return this.#shaped.known * this.#shaped.survival(ms);
  }

  save(): SavedDurations {
    const weights: [number, number][] = [];
    this.#weights.forEach((weight, index) => {
      const now = weight / this.#step;
      if (now > 1e-6) weights.push([index, Number(now.toPrecision(6))]);
    });
    return { count: this.count, weights };
  }

  /** Takes over what was saved; what cannot have been saved by `save` is left out. */
  load({ count, weights }: SavedDurations): void {
    for (const [index, weight] of weights)
      if (Number.isInteger(index) && index >= 0 && index < BUCKETS && weight > 0)
        this.#weights[index]! += weight * this.#step;
    this.count += Math.max(0, Math.round(count));
    this.#shape = undefined;
  }

  get #shaped(): Shape {
    return (this.#shape ??= shapeOf(this.#weights, this.#step, this.count));
  }

  #rescale(): void {
    for (let i = 0; i < BUCKETS; i += 1) this.#weights[i]! /= this.#step;
    this.#step = 1;
  }
}

interface Shape {
  /** How many equally weighted values say as much as the decayed ones. */
  known: number;
  survival(ms: number): number;
}

const edgeMs = (position: number): number => 2 ** (position / PER_OCTAVE);

/** The survival function behind the weights, made once and used until the next duration comes. */
function shapeOf(weights: Float64Array, step: number, count: number): Shape {
  const above = new Float64Array(BUCKETS + 1);
  for (let i = BUCKETS - 1; i >= 0; i -= 1) above[i] = above[i + 1]! + weights[i]! / step;
  const total = above[0]!;
  if (total <= 0) return { known: 0, survival: () => 0 };
  // Kish's effective size of a sample with geometric weights is nearly twice their sum.
  const known = Math.min(count, 2 * total);
  const one = total / known;
  const reach = (weight: number): number => {
    let index = BUCKETS - 1;
    while (index > 0 && above[index]! < Math.min(weight * one, total * TAIL_SHARE)) index -= 1;
    return index;
  };
  const tail = fitTail(above, reach(TAIL_FIT));
  const from = reach(TAIL_FROM);
  const scale = above[from]! / total / tail(edgeMs(from));
  return {
    known,
    survival(ms) {
      if (from > 0 && ms >= edgeMs(from)) return scale * tail(ms);
      // The first bucket begins at 0 and is taken to be even.
      const at = ms <= edgeMs(1) ? ms / edgeMs(1) : Math.log2(ms) * PER_OCTAVE;
      const index = Math.min(BUCKETS - 1, Math.floor(at));
      return (above[index + 1]! + (above[index]! - above[index + 1]!) * (1 - (at - index))) / total;
    },
  };
}

/**
 * A generalised Pareto tail above the lower edge of bucket `from`, by the moments of the logarithms
 * (Dekkers, Einmahl and de Haan): the share of what is above that edge which is above `ms` too.
 */
function fitTail(above: Float64Array, from: number): (ms: number) => number {
  const startMs = edgeMs(from);
  let first = 0;
  let second = 0;
  for (let i = from; i < BUCKETS; i += 1) {
    const share = (above[i]! - above[i + 1]!) / above[from]!;
    const log = ((i + 0.5 - from) / PER_OCTAVE) * Math.LN2;
    first += share * log;
    second += share * log * log;
  }
  // Where all lie in one bucket there is nothing to fit: the lowest shape stands for no tail.
  const below = Math.max(SHAPES[0], 1 - 0.5 / Math.max(1e-6, 1 - (first * first) / second));
  const shape = Math.min(SHAPES[1], Math.max(SHAPES[0], first + below));
  const scaleMs = startMs * first * (1 - Math.min(0, below));
  return (ms) =>
    Math.abs(shape) < 1e-3
      ? Math.exp(-(ms - startMs) / scaleMs)
      : Math.max(0, 1 + (shape * (ms - startMs)) / scaleMs) ** (-1 / shape);
}
