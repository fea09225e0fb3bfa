const PER_OCTAVE = 8;
const BUCKETS = 27 * PER_OCTAVE;
/** After so many newer values one counts half: in the long memory, and in the short one. */
const HALF_LIVES = [10_000, 1_000] as const;
const [LONG, SHORT] = [0, BUCKETS] as const;
/** No bucket that was saved has weighed more: its weight is taken off as the steps grow. */
const WEIGHT_MAX = 1e12;
/** The memories differ by more than chance when a share of theirs is so many deviations apart. */
const CONTRADICTION = 4;

/** A tail is fitted to so many of the longest observations, and to this share of all at the most. */
const TAIL_FIT = 100;
const TAIL_SHARE = 0.25;
/** It is believed in place of the observations where fewer than these are left. */
const TAIL_FROM = 20;
/** Bounds of its shape: below 0 it ends somewhere, 0 is exponential, from 1 on it has no mean. */
const SHAPES = [-0.4, 1.2] as const;

type Weights = [bucket: number, weight: number][];

/** A sketch as it is written to disk. */
export interface SavedDurations {
  count: number;
  weights: Weights;
  /** What the short memory holds; absent in files of earlier versions. */
  short?: Weights;
}

/**
 * A compact sketch of durations: 216 logarithmic buckets, each 9 % wide, from 1 ms to 37 hours.
 * Older values weigh less: one counts half after 10,000 newer ones. A second, shorter memory (1,000)
 * runs beside it; when the two contradict each other the pace has changed, and the longer one
 * forgets what the shorter one does not know any more. The tail is fitted to the longest values, so
 * that it goes on beyond the longest one. Takes 3.9 KiB, with what is reckoned from it.
 */
export class Durations {
  /** Durations added since the sketch was first begun, over restarts. */
  count = 0;
  /** Durations of this process by octave, none forgotten: bucket i ends at 2 ** (i + 1) ms, the last one nowhere. */
  readonly octaves = new Float64Array(BUCKETS / PER_OCTAVE);
  /** The sum of these, in milliseconds. */
  sumMs = 0;
  /** Both memories, one after the other. A new value weighs `#step`, instead of the old ones fading. */
  readonly #weights = new Float32Array(2 * BUCKETS);
  readonly #step: [long: number, short: number] = [1, 1];
  #shape: Shape | undefined;

  /** Adds one duration in milliseconds. */
  add(ms: number): void {
    const index = ms <= 1 ? 0 : Math.min(BUCKETS - 1, (Math.log2(ms) * PER_OCTAVE) | 0);
    const step = this.#step;
    this.#weights[LONG + index]! += step[0];
    this.#weights[SHORT + index]! += step[1];
    this.octaves[(index / PER_OCTAVE) | 0]! += 1;
    this.sumMs += ms;
    this.count += 1;
    step[0] *= GROWTH[0];
    step[1] *= GROWTH[1];
    this.#shape = undefined;
    if (step[1] > WEIGHT_MAX) this.#rescale();
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
    this.#rescale();
    return { count: this.count, weights: this.#list(LONG), short: this.#list(SHORT) };
  }

  /** Takes over what was saved; what cannot have been saved by `save` is left out. */
  load({ count, weights, short = weights }: SavedDurations): void {
    this.#rescale();
    for (const [from, list] of [[LONG, weights] as const, [SHORT, short] as const])
      for (const [index, weight] of list)
        if (Number.isInteger(index) && index >= 0 && index < BUCKETS && weight > 0)
          this.#weights[from + index]! += weight <= WEIGHT_MAX ? weight : 0;
    this.count += count > 0 && count < Infinity ? Math.round(count) : 0;
    this.#shape = undefined;
  }

  get #shaped(): Shape {
    return (this.#shape ??= this.#reckon());
  }

  #reckon(): Shape {
    this.#rescale();
    const short = sumsFromTop(this.#weights, SHORT);
    let long = sumsFromTop(this.#weights, LONG);
    if (contradict(long, short, this.count)) {
      this.#weights.copyWithin(LONG, SHORT);
      long = short;
    }
    return shapeOf(long, this.count);
  }

  #rescale(): void {
    const [long, short] = this.#step;
    for (let i = 0; i < BUCKETS; i += 1) {
      this.#weights[LONG + i]! /= long;
      this.#weights[SHORT + i]! /= short;
    }
    this.#step.fill(1);
  }

  #list(from: number): Weights {
    const list: Weights = [];
    for (let i = 0; i < BUCKETS; i += 1) {
      const weight = this.#weights[from + i]!;
      if (weight > 1e-6) list.push([i, Number(weight.toPrecision(6))]);
    }
    return list;
  }
}

const GROWTH = HALF_LIVES.map((values) => 2 ** (1 / values)) as [number, number];

/** For each bucket the weight in it and above. */
function sumsFromTop(weights: Float32Array, from: number): Float32Array {
  const above = new Float32Array(BUCKETS + 1);
  let sum = 0;
  for (let i = BUCKETS - 1; i >= 0; i -= 1) above[i] = sum += weights[from + i]!;
  return above;
}

/** Kish's effective size of a sample with geometric weights is nearly twice their sum. */
const sizeOf = (above: Float32Array, count: number): number => Math.min(count, 2 * above[0]!);

/** Whether what is above some edge has a share in one memory that it can hardly have by chance in the other. */
function contradict(long: Float32Array, short: Float32Array, count: number): boolean {
  const noise = 1 / sizeOf(long, count) + 1 / sizeOf(short, count);
  for (let i = 1; i < BUCKETS; i += 1) {
    const [a, b] = [long[i]! / long[0]!, short[i]! / short[0]!];
    const share = (a + b) / 2;
    if ((a - b) ** 2 > CONTRADICTION ** 2 * share * (1 - share) * noise) return true;
  }
  return false;
}

interface Shape {
  /** How many equally weighted values say as much as the decayed ones. */
  known: number;
  survival(ms: number): number;
}

const edgeMs = (position: number): number => 2 ** (position / PER_OCTAVE);

/** The survival function behind a memory, made once and used until the next duration comes. */
function shapeOf(above: Float32Array, count: number): Shape {
  const total = above[0]!;
  if (total <= 0) return { known: 0, survival: () => 0 };
  const known = sizeOf(above, count);
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
function fitTail(above: Float32Array, from: number): (ms: number) => number {
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
