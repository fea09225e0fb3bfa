// kill -9 of one worker after the other under load: who is affected, and how long others wait.
import { setTimeout as sleep } from 'node:timers/promises';
import { FULL_MIX, startLoad, total } from '../load/load.ts';
import { startLastcall } from './lastcall-node.ts';
import { lostOf } from './reloads.ts';

interface Worker {
  pid: number;
  phase: string;
}

export interface KillRun {
  kills: number;
  /** Connections that the killed workers held, as the load saw it: each has at most one request. */
  lost: number;
  errors: Record<string, number>;
  unconnected: number;
  refused: number;
  longestConnectMs: number;
  /** From a kill until another worker is ready in its place; the median. */
  bootMs: number;
}

export async function kills(count: number): Promise<KillRun> {
  // Every few seconds one dies: without the pauses that a real crash loop gets.
  const node = await startLastcall(['--backoff-ms', '0', '--restart-limit', '1000']);
  const workers = async (): Promise<Worker[]> =>
    ((await node.ask('workers')) as Worker[]).filter(
      ({ phase }) => phase === 'serving' || phase === 'proving',
    );
  const load = startLoad({ host: '127.0.0.1', port: node.port }, FULL_MIX);
  await sleep(1_000);
  const bootsMs: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const before = await workers();
    const victim = before[i % before.length]!;
    process.kill(victim.pid, 'SIGKILL');
    const killedMs = performance.now();
    for (;;) {
      const now = await workers();
      if (now.length === 2 && now.every(({ pid }) => pid !== victim.pid)) break;
      await sleep(20);
    }
    bootsMs.push(performance.now() - killedMs);
    await sleep(1_500);
  }
  const sum = total(await load.stop());
  await node.stop();
  return {
    kills: count,
    lost: lostOf(sum),
    errors: sum.errors,
    unconnected: sum.unconnected,
    refused: sum.refused,
    longestConnectMs: sum.longestConnectMs,
    bootMs: bootsMs.sort((a, b) => a - b)[bootsMs.length >> 1]!,
  };
}
