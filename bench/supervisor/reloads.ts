// Reloads, one after the other, under the mixed load: what was dropped and refused.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, FULL_MIX, type Mix, startLoad, total } from '../load/load.ts';
import { startLastcall } from './lastcall-node.ts';
import type { PeerNode } from './peers.ts';

const WARM_MS = 1_000;
const SETTLE_MS = 2_000;

export interface Run {
  name: string;
  reloads: number;
  sum: Account;
  msEach: number;
}

async function underLoad(
  name: string,
  port: number,
  count: number,
  act: (i: number) => Promise<unknown>,
  mix: Mix = FULL_MIX,
): Promise<Run> {
  const load = startLoad({ host: '127.0.0.1', port }, mix);
  await sleep(WARM_MS);
  const startedMs = performance.now();
  for (let i = 0; i < count; i += 1) {
    await act(i);
    process.stderr.write(
      `\r> ${name}: ${i + 1} of ${count}, ${lostOf(total(load.accounts))} lost   `,
    );
  }
  const msEach = (performance.now() - startedMs) / count;
  await sleep(SETTLE_MS);
  const sum = total(await load.stop());
  process.stderr.write(`\n${sum.losses.map((loss) => `  ${loss}\n`).join('')}`);
  return { name, reloads: count, sum, msEach };
}

/** Requests that got no answer. */
export const lostOf = ({ dropped, unconnected, wrong }: Account): number =>
  dropped + unconnected + wrong;

export async function lastcallReloads(count: number): Promise<Run> {
  const node = await startLastcall();
  try {
    return await underLoad('lastcall reload', node.port, count, () => node.ask('reload'));
  } finally {
    await node.stop();
  }
}

/** Reloads, upgrades of the supervisor and changes of scale, in turn. */
export async function lastcallMixed(count: number): Promise<Run> {
  const node = await startLastcall();
  const acts = [
    () => node.ask('reload'),
    () => node.ask('upgrade'),
    () => node.ask('scale', { workers: 4 }),
    () => node.ask('reload'),
    () => node.ask('scale', { workers: 2 }),
  ];
  try {
    return await underLoad('lastcall reload, upgrade, scale', node.port, count, (i) =>
      acts[i % acts.length]!(),
    );
  } finally {
    await node.stop();
  }
}

export async function peerReloads(name: string, node: PeerNode, count: number): Promise<Run> {
  try {
    return await underLoad(name, node.port, count, async () => {
      await node.reload();
      await sleep(SETTLE_MS);
    });
  } finally {
    await node.stop();
  }
}
