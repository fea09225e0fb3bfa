// `node bench/planner.ts`: real rollouts of 3 nodes on this machine beside what the planner predicts
// from the durations measured before, and the speed of the simulation. Writes docs/reference/planner.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Distribution, graceplot, makePlan, simulate } from '@lastcall/planner';
import { exponential, normal, seeded } from './estimates/random.ts';
import { Cluster, EARLY_MS } from './planner/cluster.ts';
import { inputTable } from './planner/input.ts';

const [NODES, RATE, LEAVE_MS, ROLLOUTS] = [3, 60, 1_000, Number(process.argv[2] ?? 8)];
const random = seeded(17);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const draw = (): number => 300 * Math.exp(0.9 * normal(random));
const gap = (): number => exponential(random, 1_000 / RATE);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const SERVICE = { nodes: NODES, ratePerSecond: RATE, surge: 1, unavailable: 0 };
/** Routing has moved away when the client stops to send, which is before the node stops to take. */
const PHASES = { preStopMs: 0, leaveMs: LEAVE_MS - EARLY_MS, exitMs: 100 };

interface Compared {
  graceMs: number;
  rows: [what: string, predicted: string, seen: string][];
}

const reading = { ratePerSecond: RATE, source: 'test', read: 0, skipped: 0 };
const planned = (durations: Distribution, startMs: number) =>
  makePlan({
    reading: { ...reading, durations },
    rollout: { ...SERVICE, ...PHASES, startMs },
    share: 0.99,
    forceMs: 500,
    marginMs: 1_000,
  });

/** Rolls out with one grace and holds the planner's figures beside what happened. */
async function compare(graceMs: number): Promise<Compared> {
  const cluster = new Cluster({ graceMs, leaveMs: LEAVE_MS });
  await cluster.start(NODES);
  cluster.load(draw, gap);
  // The durations are measured under the conditions of a rollout: starting nodes take the CPU from others.
  for (let i = 0; i < 2; i += 1) {
    await cluster.roll();
    await pause(1_000);
  }
  cluster.records.length = 0;
  cluster.failed = 0;
  const durations = new Distribution();
  for (const ms of cluster.tookMs) durations.add(ms);
  const rolloutsMs: number[] = [];
  for (let i = 0; i < ROLLOUTS; i += 1) {
    rolloutsMs.push(await cluster.roll());
    await pause(1_000);
  }
  const { failed } = cluster;
  await cluster.stop();
  const { records } = cluster;
  const stopMs = records.map(({ phases }) =>
    phases.reduce((sum, { state, durationMs }) => sum + (state === 'closing' ? 0 : durationMs), 0),
  );
  const inFlight = records.map(({ inFlightAtStart }) => inFlightAtStart);
  const cut = records.map(({ outcomes }) => outcomes.expired);
  const startMs = mean(cluster.startsMs.slice(NODES));
  const rollout = { ...SERVICE, ...PHASES, startMs, graceMs };
  const runs = Array.from({ length: 200 }, (_, i) => simulate(durations, rollout, i + 1));
  const stops = runs.flatMap(({ stopsMs }) => [...stopsMs]);
  const caught = runs.reduce((sum, run) => sum + run.caught, 0);
  const lost = runs.reduce((sum, run) => sum + run.cut, 0);
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const seenCut = mean(cut) / mean(inFlight);
  return {
    graceMs,
    rows: [
      [
        'work in flight on a node that stops, mean',
        (caught / runs.length / NODES).toFixed(2),
        mean(inFlight).toFixed(2),
      ],
      ['share of it cut off', percent(lost / caught), percent(seenCut)],
      ['stop of a node, mean', seconds(mean(stops)), seconds(mean(stopMs))],
      [
        'whole rollout, mean',
        seconds(mean(runs.map(({ rolloutMs }) => rolloutMs))),
        seconds(mean(rolloutsMs)),
      ],
      ['requests without an answer', '0', String(failed)],
    ],
  };
}

const sample = new Distribution();
for (let i = 0; i < 20_000; i += 1) sample.add(draw());
const plan = planned(sample, 1_000);
const compared = [await compare(1_700), await compare(plan.graceMs)];

const large = {
  nodes: 10_000,
  ratePerSecond: 64_000,
  surge: 1_000,
  unavailable: 0,
  startMs: 15_000,
  preStopMs: 0,
  leaveMs: 3_000,
  graceMs: 25_000,
  exitMs: 100,
};
const began = process.cpuUsage();
const run = simulate(sample, large, 1);
const used = process.cpuUsage(began);
const cpuSeconds = (used.user + used.system) / 1e6;
const facts = {
  date: new Date().toISOString().slice(0, 10),
  machine: `Node ${process.version} on ${cpus().length} cores`,
  speed: `${(run.requests / 1e6).toFixed(1)} million requests over ${large.nodes} nodes in ${cpuSeconds.toFixed(1)} s of one core`,
};
const tables = compared.map(
  ({
    graceMs,
    rows,
  }) => `### Grace ${graceMs / 1_000} s, routing away after ${PHASES.leaveMs / 1_000} s

| | predicted | seen |
|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}
`,
);
const docs = new URL('../docs/', import.meta.url);
const template = readFileSync(new URL('planner/page.md', import.meta.url), 'utf8');
const text = template
  .replaceAll('{{date}}', facts.date)
  .replaceAll('{{machine}}', facts.machine)
  .replaceAll('{{speed}}', facts.speed)
  .replaceAll('{{input}}', await inputTable(10_000))
  .replaceAll('{{stops}}', String(ROLLOUTS * NODES))
  .replaceAll('{{tables}}', tables.join('\n'));
writeFileSync(new URL('reference/planner.md', docs), text);
writeFileSync(new URL('images/planner.svg', docs), graceplot(sample, PHASES.leaveMs, plan.graceMs));
console.log(facts, JSON.stringify(compared, null, 1));
