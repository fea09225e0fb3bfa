// Requests per second of two workers, beside node:cluster, in interleaved pairs; and the supervisor's own CPU.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { startLastcall } from './lastcall-node.ts';
import { startCluster } from './peers.ts';

export interface Throughput {
  /** Medians, requests per second. */
  keepAlive: { lastcall: number; cluster: number; ratio: number };
  fresh: { lastcall: number; cluster: number; ratio: number };
  /** Share of one core that the supervisor used while its workers were loaded. */
  supervisorCpu: number;
}

const CLOCK_TICKS = 100;

export async function throughput(pairs: number, seconds: number): Promise<Throughput> {
  const own = await startLastcall();
  const other = await startCluster();
  const measured = {
    keepAlive: { lastcall: [] as number[], cluster: [] as number[] },
    fresh: { lastcall: [] as number[], cluster: [] as number[] },
  };
  let cpuSeconds = 0;
  let loadedSeconds = 0;
  for (let i = 0; i < pairs; i += 1)
    for (const kind of ['keepAlive', 'fresh'] as const) {
      const order =
        i % 2 === 0 ? (['lastcall', 'cluster'] as const) : (['cluster', 'lastcall'] as const);
      for (const which of order) {
        process.stderr.write(`\r> throughput, pair ${i + 1} of ${pairs}: ${kind} ${which}      `);
        const before = cpuOf(own.child.pid!);
        measured[kind][which].push(
          wrk(which === 'lastcall' ? own.port : other.port, seconds, kind === 'fresh'),
        );
        if (which !== 'lastcall') continue;
        cpuSeconds += cpuOf(own.child.pid!) - before;
        loadedSeconds += seconds;
      }
    }
  process.stderr.write('\n');
  await own.stop();
  await other.stop();
  return {
    keepAlive: compare(measured.keepAlive),
    fresh: compare(measured.fresh),
    supervisorCpu: cpuSeconds / loadedSeconds,
  };
}

function wrk(port: number, seconds: number, fresh: boolean): number {
  const args = [
    '-t1',
    '-c64',
    `-d${seconds}s`,
    ...(fresh ? ['-H', 'Connection: close'] : []),
    `http://127.0.0.1:${port}/`,
  ];
  const text = execFileSync('wrk', args, { encoding: 'utf8' });
  return Number(/Requests\/sec: *([\d.]+)/.exec(text)?.[1]);
}

/** User and system time of a process, in seconds. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** Medians of each, and the median of the ratios of the pairs. */
function compare({
  lastcall,
  cluster,
}: {
  lastcall: number[];
  cluster: number[];
}): Throughput['fresh'] {
  const ratios = lastcall.map((own, i) => own / cluster[i]!);
  return { lastcall: median(lastcall), cluster: median(cluster), ratio: median(ratios) };
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
