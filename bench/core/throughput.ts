import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findProgram } from '../../scripts/programs.ts';
import { median } from './statistics.ts';

const SERVER = fileURLToPath(new URL('server.ts', import.meta.url));
const run = promisify(execFile);

export interface Ratio {
  variant: string;
  /** Median over the pairs of (requests per second with) / (requests per second bare). */
  ratio: number;
  low: number;
  high: number;
  requestsPerSecond: number;
}

/** Requests per second of each variant beside the bare server, in interleaved pairs. */
export async function throughput(
  variants: string[],
  options: { pairs: number; seconds: number; peers: string },
): Promise<Ratio[]> {
  const wrk = findProgram('wrk');
  if (!wrk) throw new Error('wrk is needed: apt-get install wrk');
  const ratios = new Map<string, number[]>(variants.map((variant) => [variant, []]));
  const rates = new Map<string, number[]>(variants.map((variant) => [variant, []]));
  const measure = (variant: string): Promise<number> =>
    measureOne(wrk, variant, options.seconds, options.peers);
  for (let pair = 0; pair < options.pairs; pair += 1) {
    process.stderr.write(`\r  throughput: pair ${pair + 1} of ${options.pairs}`);
    for (const variant of variants) {
      // Each variant is measured beside its own bare run; the order changes from pair to pair.
      const bareFirst = pair % 2 === 0;
      const first = await measure(bareFirst ? 'bare' : variant);
      const second = await measure(bareFirst ? variant : 'bare');
      const [bare, own] = bareFirst ? [first, second] : [second, first];
      ratios.get(variant)?.push(own / bare);
      rates.get(variant)?.push(own);
    }
  }
  process.stderr.write('\n');
  return variants.map((variant) => {
    const sorted = ratios.get(variant)?.sort((a, b) => a - b) ?? [];
    return {
      variant,
      ratio: median(sorted),
      low: sorted[Math.floor(sorted.length / 4)] ?? Number.NaN,
      high: sorted[Math.floor((sorted.length * 3) / 4)] ?? Number.NaN,
      requestsPerSecond: median(rates.get(variant) ?? []),
    };
  });
}

async function measureOne(
  wrk: string,
  variant: string,
  seconds: number,
  peers: string,
): Promise<number> {
  const server = spawn(process.execPath, [SERVER, variant], {
    env: { ...process.env, PEERS: peers },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(server, 'exit');
  try {
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    const url = `http://127.0.0.1:${Number(line.toString())}/`;
    await run(wrk, ['-t1', '-c32', '-d1s', url]);
    const { stdout } = await run(wrk, ['-t1', '-c32', `-d${seconds}s`, url]);
    return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  } finally {
    server.kill('SIGKILL');
    await exited;
  }
}
