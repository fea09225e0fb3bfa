// What the feed costs a real node: CPU time of its supervisor and its workers over some seconds, with
// no viewer, with one, and with a hundred.
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { NodeUnderTest } from '../../packages/supervisor/test/support/node.ts';

const [WORKERS, STREAMS, WATCHED_MS] = [4, 800, 20_000];
const TICKS_PER_SECOND = 100;

export interface FeedCost {
  viewers: number;
  /** Shares of one core. */
  supervisor: number;
  worker: number;
}

/** CPU time of a process so far, in milliseconds: fields 14 and 15 of its stat. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Measures a node with 4 workers that hold 800 streams. */
export async function feedCosts(): Promise<FeedCost[]> {
  await using node = await NodeUnderTest.start({
    args: ['--admin', '127.0.0.1:0'],
    env: { LASTCALL_WORKERS: String(WORKERS) },
  });
  await node.line(/admin listener on /);
  const admin = `http://${/admin listener on (\S+)/.exec(node.output)?.[1]}`;
  const agent = new Agent({ maxSockets: Infinity });
  const open = (url: string): void =>
    void get(url, { agent }, (response) => response.resume()).on('error', () => undefined);
  const { workers } = await node.status();
  for (let i = 0; i < STREAMS; i += 1) open(`http://127.0.0.1:${node.port}/slow?ms=600000`);
  while ((await node.status()).in_flight < STREAMS) await pause(200);
  const pids = workers.map(({ pid }) => pid);
  const costs: FeedCost[] = [];
  let open100 = 0;
  for (const viewers of [0, 1, 100]) {
    for (; open100 < viewers; open100 += 1) open(`${admin}/console/feed`);
    await pause(2_000);
    const before = [node.child.pid!, ...pids].map(cpuMs);
    await pause(WATCHED_MS);
    const after = [node.child.pid!, ...pids].map(cpuMs);
    const shares = after.map((ms, i) => (ms - before[i]!) / WATCHED_MS);
    const [supervisor = 0, ...others] = shares;
    const worker = others.reduce((sum, share) => sum + share, 0) / others.length;
    costs.push({ viewers, supervisor, worker });
  }
  agent.destroy();
  return costs;
}
