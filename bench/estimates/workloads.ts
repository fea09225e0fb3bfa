import type { Arrival } from './drains.ts';
import { exponential, normal, seeded } from './random.ts';
import {
  exponentialSurvival,
  lognormalSurvival,
  normalSurvival,
  paretoSurvival,
  type Survival,
} from './truth.ts';

export interface Workload {
  name: string;
  doc: string;
  /** Mean number in flight. */
  inFlight: number;
  /** Mean duration in milliseconds, from which the rate of arrivals follows. */
  meanMs: number;
  draw: (random: () => number) => { tookMs: number; label?: string };
  /** The law of `draw`, for each label. */
  truth: (label: string | undefined) => Survival;
}

const lognormal = (random: () => number, medianMs: number, sigma: number): number =>
  medianMs * Math.exp(sigma * normal(random));

/** Its mean is exponent / (exponent - 1) times the least. */
const pareto = (random: () => number, leastMs: number, exponent: number): number =>
  leastMs * (1 - random()) ** (-1 / exponent);

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'fixed',
    doc: 'jobs of 2 s, give or take a tenth',
    inFlight: 20,
    meanMs: 2_000,
    draw: (random) => ({ tookMs: 2_000 * (1 + 0.1 * normal(random)) }),
    truth: () => normalSurvival(2_000, 200),
  },
  {
    name: 'exponential',
    doc: 'exponential, mean 1 s',
    inFlight: 50,
    meanMs: 1_000,
    draw: (random) => ({ tookMs: exponential(random, 1_000) }),
    truth: () => exponentialSurvival(1_000),
  },
  {
    name: 'log-normal',
    doc: 'log-normal, median 400 ms, sigma 1',
    inFlight: 100,
    meanMs: 400 * Math.exp(0.5),
    draw: (random) => ({ tookMs: lognormal(random, 400, 1) }),
    truth: () => lognormalSurvival(400, 1),
  },
  {
    name: 'Pareto 2.5',
    doc: 'Pareto, at least 100 ms, exponent 2.5',
    inFlight: 50,
    meanMs: (100 * 2.5) / 1.5,
    draw: (random) => ({ tookMs: pareto(random, 100, 2.5) }),
    truth: () => paretoSurvival(100, 2.5),
  },
  {
    name: 'Pareto 1.5',
    doc: 'Pareto, at least 100 ms, exponent 1.5: no finite variance',
    inFlight: 50,
    meanMs: 300,
    draw: (random) => ({ tookMs: pareto(random, 100, 1.5) }),
    truth: () => paretoSurvival(100, 1.5),
  },
  {
    name: 'two labels',
    doc: 'nine in ten of 20 ms, one in ten streams of log-normal length, median 5 s, sigma 0.5, each with its label',
    inFlight: 60,
    meanMs: 0.9 * 20 + 0.1 * 5_000 * Math.exp(0.125),
    draw: (random) =>
      random() < 0.9
        ? { tookMs: exponential(random, 20), label: '/quick' }
        : { tookMs: lognormal(random, 5_000, 0.5), label: '/stream' },
    truth: (label) =>
      label === '/quick' ? exponentialSurvival(20) : lognormalSurvival(5_000, 0.5),
  },
];

/** Poisson arrivals over `durationMs`. */
export function* arrivalsOf(
  { inFlight, meanMs, draw }: Workload,
  durationMs: number,
  seed: number,
): Generator<Arrival> {
  const random = seeded(seed);
  const gapMs = meanMs / inFlight;
  for (let atMs = 0; atMs < durationMs; atMs += exponential(random, gapMs))
    yield { atMs, ...draw(random) };
}
