// Many reloads: does the supervisor grow?
import { readdirSync, readFileSync } from 'node:fs';
import { startLastcall } from './lastcall-node.ts';

export interface Endurance {
  reloads: number;
  /** Reloads after which the first reading was taken. */
  first: { reloads: number; rssMb: number; descriptors: number; timers: number; heapMb: number };
  last: { rssMb: number; descriptors: number; timers: number; heapMb: number };
  msEach: number;
}

const WARM = 50;

export async function endurance(count: number): Promise<Endurance> {
  const node = await startLastcall(['--workers', '1', '--prove-ms', '0']);
  const pid = node.child.pid!;
  const read = async (): Promise<Endurance['last']> => {
    const { supervisor } = (await node.ask('status')) as {
      supervisor: { heap_used_bytes: number; timers: number };
    };
    const { heap_used_bytes, timers } = supervisor;
    const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    return {
      rssMb: rssKb / 1_024,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      timers,
      heapMb: heap_used_bytes / 2 ** 20,
    };
  };
  const startedMs = performance.now();
  let first: Endurance['first'] | undefined;
  for (let i = 1; i <= count; i += 1) {
    await node.ask('reload');
    if (i === Math.min(WARM, count)) first = { reloads: i, ...(await read()) };
    if (i % 10 === 0) process.stderr.write(`\r> endurance: ${i} of ${count}   `);
  }
  process.stderr.write('\n');
  const msEach = (performance.now() - startedMs) / count;
  const last = await read();
  await node.stop();
  return { reloads: count, first: first!, last, msEach };
}
