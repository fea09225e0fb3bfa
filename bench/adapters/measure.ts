import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median } from '../core/statistics.ts';
import { loadFor } from './load.ts';

const SERVER = fileURLToPath(new URL('server.ts', import.meta.url));

/** One burst of load on one server. */
interface Burst {
  requestsPerSecond: number;
  /** CPU time of the server per request, in microseconds. */
  cpuUs: number;
}

export interface Comparison {
  /** Throughput of `other` divided by that of `base`: the median over all pairs of bursts. */
  ratio: number;
  /** The lowest and the highest of the pairs of processes, each the median over its bursts. */
  low: number;
  high: number;
  /** The same of CPU time per request, the other way up: 0.95 is 5 % more CPU. */
  cpuRatio: number;
  requestsPerSecond: number;
  cpuUs: number;
}

export interface Effort {
  /** Pairs of new processes: the compiler settles differently in each, and stays with it. */
  processes: number;
  /** Pairs of bursts for each of them. */
  bursts: number;
}

/** Short beside the swings of a machine shared with others. */
const BURST_MS = 250;
/** Asked twice: the first time for the compiler, the second tells how much fits into a burst. */
const WARM_UP_ASKS = 20_000;

/** The servers of a pair run side by side and are loaded in turn, in an order that changes. */
export async function compare(
  framework: string,
  variants: readonly [string, string],
  { processes, bursts }: Effort,
): Promise<Comparison> {
  const all: Pair[][] = [];
  for (let pair = 0; pair < processes; pair += 1)
    all.push(await burstsOf(framework, variants, bursts));
  const pairs = all.flat();
  const ratios = all.map((some) => median(some.map(throughputRatio)));
  return {
    ratio: median(pairs.map(throughputRatio)),
    low: Math.min(...ratios),
    high: Math.max(...ratios),
    cpuRatio: median(pairs.map(([base, other]) => base.cpuUs / other.cpuUs)),
    requestsPerSecond: median(pairs.map(([, other]) => other.requestsPerSecond)),
    cpuUs: median(pairs.map(([, other]) => other.cpuUs)),
  };
}

type Pair = [base: Burst, other: Burst];

const throughputRatio = ([base, other]: Pair): number =>
  other.requestsPerSecond / base.requestsPerSecond;

async function burstsOf(
  framework: string,
  [base, other]: readonly [string, string],
  bursts: number,
): Promise<Pair[]> {
  await using first = await start(framework, base);
  await using second = await start(framework, other);
  for (const server of [first, second, first]) await server.burst(WARM_UP_ASKS);
  const { requestsPerSecond } = await second.burst(WARM_UP_ASKS);
  const asks = Math.ceil((requestsPerSecond / 1_000) * BURST_MS);
  const pairs: Pair[] = [];
  for (let burst = 0; burst < bursts; burst += 1) {
    const early = burst % 2 === 0 ? await first.burst(asks) : undefined;
    const having = await second.burst(asks);
    pairs.push([early ?? (await first.burst(asks)), having]);
  }
  return pairs;
}

interface BenchServer extends AsyncDisposable {
  burst: (asks: number) => Promise<Burst>;
}

async function start(framework: string, variant: string): Promise<BenchServer> {
  const load = loadFor(framework);
  const child = fork(SERVER, [framework, variant]);
  const { port } = await answer<{ port: number }>(child);
  const cpu = async (): Promise<number> => {
    child.send('cpu');
    return (await answer<{ cpuUs: number }>(child)).cpuUs;
  };
  return {
    async burst(asks) {
      const before = await cpu();
      const ms = await load(port, asks);
      const used = (await cpu()) - before;
      return { requestsPerSecond: (asks / ms) * 1_000, cpuUs: used / asks };
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const done = new AbortController();
  const { signal } = done;
  try {
    const gone = once(child, 'exit', { signal }).then(([code]) => {
      throw new Error(`the server ended with ${String(code)}`);
    });
    const [message] = (await Promise.race([once(child, 'message', { signal }), gone])) as [T];
    // What is aborted below rejects, and nobody waits for it any more.
    gone.catch(() => undefined);
    return message;
  } finally {
    done.abort();
  }
}
