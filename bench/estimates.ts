// `node bench/estimates.ts`: measures how good the finish estimates are, and what they cost. Writes
// docs/reference/estimates.md and docs/images/estimates.svg. Seeded: the shares repeat exactly.
import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Durations } from '../packages/lastcall/src/ledger/durations.ts';
import { finishQuantilesMs } from '../packages/lastcall/src/ledger/estimate.ts';
import { Ledger } from '../packages/lastcall/src/ledger/ledger.ts';
import { type Arrival, type Drain, QUANTILES, replay } from './estimates/drains.ts';
import { page } from './estimates/page.ts';
import { leastMedianError } from './estimates/oracle.ts';
import { calibrationPlot } from './estimates/plot.ts';
import { exponential, seeded } from './estimates/random.ts';
import { empiricalSurvival } from './estimates/truth.ts';
import { arrivalsOf, WORKLOADS } from './estimates/workloads.ts';

const DRAINS = 2_000;
const MEDIAN = QUANTILES.indexOf(0.5);
const P90 = QUANTILES.indexOf(0.9);

/** What came out for one workload. */
export interface Calibration {
  name: string;
  doc: string;
  drains: number;
  /** Share of the drains for which there was an estimate. */
  answered: number;
  inFlight: number;
  p90Held: number;
  /** Median of |p50 - fact| / fact. */
  error: number;
  /** The same for the p50 of the oracle, who knows the true law and the ages, but not the future. */
  oracleError: number;
  /** The least that any number for each drain could have, chosen with all that the oracle knows. */
  leastError: number;
  /** Share of the drains that had ended at the p90 of the oracle. */
  oracleP90Held: number;
  /** Median of fact / p50. */
  bias: number;
  points: [number, number][];
}

function calibrate(name: string, doc: string, drains: Drain[]): Calibration {
  const known = drains.filter((drain) => drain.estimates !== undefined);
  const facts = known.map(({ tookMs }) => tookMs);
  const held = (i: number): number =>
    known.filter(({ tookMs, estimates }) => tookMs <= estimates![i]!).length / known.length;
  const p50 = known.map(({ estimates }) => estimates![MEDIAN]!);
  const oracle = known.map(({ law }) => law.quantileMs(0.5));
  const errorOf = (guesses: readonly number[]): number =>
    median(facts.map((fact, i) => Math.abs(guesses[i]! - fact) / fact));
  return {
    name,
    doc,
    drains: drains.length,
    answered: known.length / drains.length,
    inFlight: median(known.map(({ inFlight }) => inFlight)),
    p90Held: held(P90),
    oracleP90Held:
      known.filter(({ law, tookMs }) => law.share(tookMs) <= 0.9).length / known.length,
    error: errorOf(p50),
    oracleError: errorOf(oracle),
    leastError: leastMedianError(known.map(({ law }) => law)),
    bias: median(facts.map((fact, i) => fact / p50[i]!)),
    points: QUANTILES.map((quantile, i) => [quantile, held(i)]),
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function* recorded(): Generator<Arrival> {
  const file = readFileSync(new URL('estimates/recorded.csv', import.meta.url), 'utf8');
  for (const line of file.trim().split('\n').slice(1)) {
    const [at, took, label] = line.split(',');
    yield { atMs: Number(at), tookMs: Number(took), ...(label ? { label } : {}) };
  }
}

/** Its law is taken from all of it, what comes later as well: nobody can know it better. */
function recordedTruth(label: string | undefined): ReturnType<typeof empiricalSurvival> {
  let survival = recordedLaws.get(label);
  if (!survival) {
    const own = [...recorded()].filter((arrival) => arrival.label === label);
    recordedLaws.set(label, (survival = empiricalSurvival(own.map(({ tookMs }) => tookMs))));
  }
  return survival;
}

/** Median cost of one `add`, in nanoseconds. */
function addCostNs(): number {
  const random = seeded(3);
  const values = Float64Array.from({ length: 4_096 }, () => exponential(random, 300));
  const sketch = new Durations();
  const costs: number[] = [];
  for (let round = 0; round < 31; round += 1) {
    const began = performance.now();
    for (let i = 0; i < 100_000; i += 1) sketch.add(values[i & 4_095]!);
    costs.push(((performance.now() - began) / 100_000) * 1e6);
  }
  return median(costs);
}

/** Median time of one estimate with so many leases, in milliseconds. */
function askCostMs(leases: number): number {
  const random = seeded(5);
  const ledger = new Ledger();
  for (let i = 0; i < 2_000; i += 1)
    ledger.open({ kind: 'request' }, 0).end('completed', exponential(random, 300));
  for (let i = 0; i < leases; i += 1)
    ledger.open({ kind: 'request' }, 1_000 - exponential(random, 100));
  const costs: number[] = [];
  for (let round = 0; round < 31; round += 1) {
    const began = performance.now();
    finishQuantilesMs(ledger, [0.5, 0.9, 0.99], 1_000);
    costs.push(performance.now() - began);
  }
  return median(costs);
}

/** Bytes of one sketch, with what is reckoned from it for an estimate. */
function sketchBytes(): number {
  // What was thrown away in between would be taken off, or counted, as chance has it.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const kept = Array.from({ length: 1_000 }, () => {
    const sketch = new Durations();
    sketch.add(10);
    sketch.survival(1);
    return sketch;
  });
  collect();
  const after = process.memoryUsage();
  return (after.heapUsed - heapUsed + after.arrayBuffers - arrayBuffers) / kept.length;
}

const recordedLaws = new Map<string | undefined, ReturnType<typeof empiricalSurvival>>();
const costs = {
  addNs: addCostNs(),
  askMs: new Map([10, 1_000, 10_000].map((leases) => [leases, askCostMs(leases)])),
  bytes: sketchBytes(),
};
const traffic = calibrate(
  'recorded',
  'recorded traffic',
  replay(recorded(), 307, 1_000, recordedTruth),
);
const synthetic = WORKLOADS.map((workload, i) => {
  const everyMs = workload.meanMs * 10;
  const arrivals = arrivalsOf(workload, everyMs * (DRAINS + 100), i + 1);
  return calibrate(workload.name, workload.doc, replay(arrivals, everyMs, 1_000, workload.truth));
});
const all = [traffic, ...synthetic];
const docs = new URL('../docs/', import.meta.url);
writeFileSync(new URL('images/estimates.svg', docs), calibrationPlot(all));
writeFileSync(new URL('reference/estimates.md', docs), page(all, costs));
for (const { doc: _doc, points: _points, ...figures } of all) console.log(figures);
console.log(costs);
