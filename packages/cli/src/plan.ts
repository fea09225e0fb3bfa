import { closeSync, openSync, writeFileSync } from 'node:fs';
import {
  graceplot,
  makePlan,
  PlannerError,
  type Reading,
  readAccessLog,
  readCsv,
  readNode,
  readPrometheus,
  showPlan,
} from '@lastcall/planner';
import { Command, InvalidArgumentError } from 'commander';
import { durationOption, whole } from './parse.ts';
import { ProgressLine } from './progress.ts';

const COUNT_MAX = 1_000_000;
/** The generator is seeded with 32 bits: a larger one would be the same as a smaller one. */
const SEED_MAX = 2 ** 32 - 1;

interface Flags {
  csv?: string;
  log?: string;
  node?: string;
  prometheus?: string;
  kind?: string;
  metric?: string;
  matchers?: string;
  window?: string;
  nodes: number;
  rate?: number;
  share: number;
  surge: number;
  unavailable: number;
  start: number;
  preStop: number;
  leave: number;
  force: number;
  margin: number;
  seed: number;
  svg?: string;
  json?: boolean;
}

/** `lastcall plan`: sizes the grace and simulates a rollout, from measured durations. */
export function planCommand(): Command {
  return new Command('plan')
    .description('size grace periods and rollouts from measured durations')
    .option('--csv <FILE>', 'durations from a CSV file; - is the standard input')
    .option('--log <FILE>', 'durations from an access log; - is the standard input')
    .option('--node <URL>', 'durations that a running node has measured')
    .option('--prometheus <URL>', 'durations from a Prometheus server')
    .option('--kind <KIND>', 'with --node: one kind of work alone')
    .option('--metric <NAME>', 'with --prometheus: a histogram in seconds')
    .option('--matchers <LABELS>', 'with --prometheus: label matchers such as job="api"')
    .option('--window <TIME>', 'with --prometheus: how far back (default: 1d)')
    .option('--nodes <N>', 'nodes (pods) of the service', whole(1, COUNT_MAX), 3)
    .option('--rate <N>', 'requests a second to the service (default: as measured)', number)
    .option('--share <N>', 'share of the work in flight that is to end', part, 0.99)
    .option(
      '--surge <N>',
      'nodes beyond the number wanted during a rollout',
      whole(0, COUNT_MAX),
      1,
    )
    .option(
      '--unavailable <N>',
      'nodes that may be missing during a rollout',
      whole(0, COUNT_MAX),
      0,
    )
    .addOption(
      durationOption('--start <TIME>', 'from the start of a node until it is ready', 10_000),
    )
    .addOption(durationOption('--pre-stop <TIME>', 'how long the preStop hook takes', 0))
    .addOption(durationOption('--leave <TIME>', 'until routing has moved away', 5_000))
    .addOption(durationOption('--force <TIME>', 'time for cancelled work to unwind', 2_000))
    .addOption(durationOption('--margin <TIME>', 'time left unused below the limit', 3_000))
    .option('--seed <N>', 'seed of the simulation', whole(0, SEED_MAX), 1)
    .option('--svg <FILE>', 'write the plot')
    .option('--json', 'print JSON')
    .action(async (flags: Flags) => {
      const { svg } = flags;
      // Before the reading, which may take long: the plan would be gone.
      if (svg !== undefined) plot(svg, () => closeSync(openSync(svg, 'a')));
      const reading = await read(flags);
      const ratePerSecond = flags.rate ?? reading.ratePerSecond;
      if (ratePerSecond === null)
        throw new PlannerError(
          'ERR_PLANNER_OPTION',
          `${reading.source} does not tell how many requests come a second. Give it: --rate N.`,
        );
      const { nodes, surge, unavailable, share, seed } = flags;
      const { start: startMs, preStop: preStopMs, leave: leaveMs } = flags;
      const sizes = { nodes, ratePerSecond, surge, unavailable };
      const rollout = { ...sizes, startMs, preStopMs, leaveMs, exitMs: 100 };
      const times = { forceMs: flags.force, marginMs: flags.margin };
      const plan = makePlan({ reading, rollout, share, ...times, seed });
      if (svg !== undefined)
        plot(svg, () => writeFileSync(svg, graceplot(reading.durations, leaveMs, plan.graceMs)));
      if (!flags.json) {
        process.stdout.write(showPlan(plan, reading, rollout, share));
        return;
      }
      const { simulated, ...rest } = plan;
      const { stopsMs: _stops, inFlight: _inFlight, ...run } = simulated;
      const told = { durations: summary(reading), ...rest, rollout, simulated: run };
      process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    });
}

/** What was read, for `--json`; of a histogram nobody knows how many it holds. */
function summary({ durations, beyond = null, source, read, skipped }: Reading): object {
  const { meanMs } = durations;
  const [p50Ms, p99Ms, longestMs] = [0.5, 0.99, 1].map((share) => durations.quantileMs(share));
  return { source, read, skipped, meanMs, p50Ms, p99Ms, longestMs, beyond };
}

/** What is said about one source; with another one it would be passed over in silence. */
const DETAILS = {
  kind: 'node',
  metric: 'prometheus',
  matchers: 'prometheus',
  window: 'prometheus',
} as const;

function expectDetails(flags: Flags): void {
  for (const [name, source] of Object.entries(DETAILS) as [keyof typeof DETAILS, keyof Flags][]) {
    if (flags[name] === undefined || flags[source] !== undefined) continue;
    throw new PlannerError(
      'ERR_PLANNER_OPTION',
      `--${name} goes with --${source}, which is not given.${name === 'kind' ? ' With --prometheus: --matchers \'kind="..."\'.' : ''}`,
    );
  }
}

async function read(flags: Flags): Promise<Reading> {
  const { csv, log, node, prometheus, kind, metric, matchers, window } = flags;
  const given = [csv, log, node, prometheus].filter((source) => source !== undefined);
  if (given.length !== 1)
    throw new PlannerError(
      'ERR_PLANNER_OPTION',
      `expected one of --csv, --log, --node and --prometheus, got ${given.length}.`,
    );
  expectDetails(flags);
  const line = new ProgressLine();
  try {
    if (csv !== undefined) return await readCsv(csv, line.show);
    if (log !== undefined) return await readAccessLog(log, line.show);
  } finally {
    line.end();
  }
  if (node !== undefined) return readNode(node, kind);
  return readPrometheus(prometheus!, {
    ...(metric === undefined ? {} : { metric }),
    ...(matchers === undefined ? {} : { matchers }),
    ...(window === undefined ? {} : { window }),
  });
}

function plot(file: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    const { message } = cause as Error;
    throw new PlannerError('ERR_PLANNER_OPTION', `--svg: ${file} cannot be written: ${message}.`, {
      cause,
    });
  }
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError(`expected a number of 0 or more, got ${text}`);
  return value;
}

function part(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError(`expected a number between 0 and 1, such as 0.99, got ${text}`);
}
