import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mean, median, standardError } from '../core/statistics.ts';
import type { Load } from '../adapters/load.ts';

/** What is measured: one program in several variants, and what it is asked. */
export interface Subject {
  /** The arguments of Node.js; the program calls `measured` once it listens. */
  args: (variant: string) => string[];
  load: Load;
}

/** What one server did in one burst of load. */
interface Burst {
  answers: number;
  /** CPU time of the server per answer, in microseconds. */
  cpuUs: number;
}

export interface Comparison {
  /** Throughput of `other` divided by that of `base`: the mean over the pairs of processes. */
  ratio: number;
  /** The standard error of that mean. */
  error: number;
  /** The same of CPU time per answer, the other way up: 0.95 is 5 % more CPU. */
  cpuRatio: number;
  cpuUs: number;
}

export interface Effort {
  /** Pairs of new processes: the compiler settles differently in each, and stays with it. */
  processes: number;
  /** Bursts of load for each of them. */
  bursts: number;
}

const BURST_MS = 1_000;
/** Until the compiler has settled. */
const WARM_UP_BURSTS = 5;

/** Leaves the second core to the servers: this process, and what loads them from here on, is on the first. */
export function pinLoad(): void {
  execFileSync('taskset', ['-a', '-c', '-p', '0', String(process.pid)], { stdio: 'ignore' });
}

/**
 * The two servers of a pair share one core, and are loaded at the same time: what disturbs the
 * machine disturbs both, and the kernel gives both the same time, so that what each answers in it
 * is what an answer costs.
 */
export async function compare(
  subject: Subject,
  variants: readonly [string, string],
  { processes, bursts }: Effort,
): Promise<Comparison> {
  const pairs: { ratio: number; cpuRatio: number; cpuUs: number }[] = [];
  for (let pair = 0; pair < processes; pair += 1) {
    const all = await burstsOf(subject, variants, bursts, pair % 2 === 0);
    pairs.push({
      ratio: median(all.map(([base, other]) => other.answers / base.answers)),
      cpuRatio: median(all.map(([base, other]) => base.cpuUs / other.cpuUs)),
      cpuUs: median(all.map(([, other]) => other.cpuUs)),
    });
  }
  const ratios = pairs.map(({ ratio }) => ratio);
  return {
    ratio: mean(ratios),
    error: standardError(ratios),
    cpuRatio: mean(pairs.map(({ cpuRatio }) => cpuRatio)),
    cpuUs: median(pairs.map(({ cpuUs }) => cpuUs)),
  };
}

type Pair = readonly [base: Burst, other: Burst];

/** The one that is started first is not always the same. */
async function burstsOf(
  { args, load }: Subject,
  [base, other]: readonly [string, string],
  bursts: number,
  baseFirst: boolean,
): Promise<Pair[]> {
  await using first = await start(args(baseFirst ? base : other));
  await using second = await start(args(baseFirst ? other : base));
  const pairs: Pair[] = [];
  for (let burst = -WARM_UP_BURSTS; burst < bursts; burst += 1) {
    const [one, two] = await Promise.all([first.burst(load), second.burst(load)]);
    if (burst >= 0) pairs.push(baseFirst ? [one, two] : [two, one]);
  }
  return pairs;
}

interface BenchServer extends AsyncDisposable {
  burst: (load: Load) => Promise<Burst>;
}

/** On the second core; the load comes from the first. */
async function start(args: string[]): Promise<BenchServer> {
  const child = spawn('taskset', ['-c', '1', process.execPath, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { port } = await answer<{ port: number }>(child);
  const cpu = async (): Promise<number> => {
    child.send('cpu');
    return (await answer<{ cpuUs: number }>(child)).cpuUs;
  };
  return {
    async burst(load) {
      const before = await cpu();
      const answers = await load(port, BURST_MS);
      return { answers, cpuUs: ((await cpu()) - before) / answers };
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
