import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median, quantile } from '../core/statistics.ts';
import { loadFor } from './load.ts';

const SERVER = fileURLToPath(new URL('server.ts', import.meta.url));

/** One burst of load on one server. */
interface Burst {
  requestsPerSecond: number;
  /** CPU time of the server per request, in microseconds. */
  cpuUs: number;
}

export interface Comparison {
  /** Median over the pairs of the throughput of `other` divided by that of `base`. */
  ratio: number;
  low: number;
  high: number;
  /** The same of CPU time per request, the other way up: 0.95 is 5 % more CPU. */
  cpuRatio: number;
  requestsPerSecond: number;
  cpuUs: number;
}

export interface Effort {
  /** Pairs of new processes: the compiler settles differently in each, and stays with it. */
  pairs: number;
  /** How long each server of a pair is loaded. */
  seconds: number;
}

/** The servers of a pair run side by side and are loaded in turn, in an order that changes. */
export async function compare(
  framework: string,
  [base, other]: readonly [string, string],
  { pairs, seconds }: Effort,
): Promise<Comparison> {
  const rates: number[] = [];
  const cpus: number[] = [];
  const own: Burst[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    await using first = await start(framework, base);
    await using second = await start(framework, other);
    for (const server of [first, second]) await server.burst(1);
    const early = pair % 2 === 0 ? await first.burst(seconds) : undefined;
    const having = await second.burst(seconds);
    const without = early ?? (await first.burst(seconds));
    rates.push(having.requestsPerSecond / without.requestsPerSecond);
    cpus.push(without.cpuUs / having.cpuUs);
    own.push(having);
  }
  return {
    ratio: median(rates),
    low: quantile(rates, 0.25),
    high: quantile(rates, 0.75),
    cpuRatio: median(cpus),
    requestsPerSecond: median(own.map(({ requestsPerSecond }) => requestsPerSecond)),
    cpuUs: median(own.map(({ cpuUs }) => cpuUs)),
  };
}

interface BenchServer extends AsyncDisposable {
  burst: (seconds: number) => Promise<Burst>;
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
    async burst(seconds) {
      const before = await cpu();
      const { answers, ms } = await load(port, seconds);
      const used = (await cpu()) - before;
      return { requestsPerSecond: (answers / ms) * 1_000, cpuUs: used / answers };
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
