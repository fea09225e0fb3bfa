import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPostgres } from '../../packages/handover/test/support/postgres.ts';
import type { Account } from './account.ts';
import type { Node } from './node.ts';
import type { Happening } from './schedule.ts';

export interface World {
  readonly nodes: readonly Node[];
  readonly postgres: TestPostgres;
  readonly account: Account;
}

/** Exit codes of a node that was asked to stop: all done, or cut at the deadline. */
const orderly = new Set([0, 3]);

/** Makes one thing happen, and puts right what does not put itself right. */
export async function happen(world: World, { deed, node: at, dice }: Happening): Promise<void> {
  const { nodes, postgres, account } = world;
  const node = nodes[at]!;
  account.count(`event: ${deed}`);
  // A node that has ended is started anew, as systemd would.
  if (!node.up) await node.start();
  switch (deed) {
    case 'drain':
      return drain(node, 300 + dice * 1_500);
    case 'reload':
      // A worker that is killed meanwhile fails the reload, and the old ones stay: that is in order.
      return node.verb('reload').catch(() => undefined);
    case 'scale':
      return node.verb('scale', String(1 + Math.floor(dice * 3))).catch((error: unknown) => {
        if (node.up) throw error;
      });
    case 'kill worker':
      return killWorker(node, dice);
    case 'kill supervisor':
      await node.end('SIGKILL');
      return node.start();
    case 'restart node': {
      const code = await node.end('SIGTERM');
      if (!orderly.has(Number(code ?? -1)))
        account.violation(`${node.name} ended with ${code} after SIGTERM; ${node.lastWords}`);
      return node.start();
    }
    case 'restart postgres':
      await postgres.stop();
      await sleep(dice * 500);
      return postgres.start();
  }
}

async function drain(node: Node, forMs: number): Promise<void> {
  const ask = async (path: string): Promise<boolean> =>
    (await fetch(node.url + path, { method: 'POST' }).catch(() => undefined))?.ok ?? false;
  await ask('/-/shutdown/drain');
  await sleep(forMs);
  if (await ask('/shutdown/reset')) return;
  // Too late to undo, or a worker that was just starting: the node begins anew.
  await node.end('SIGTERM');
  await node.start();
}

function killWorker(node: Node, dice: number): void {
  const workers = node.workers();
  const pid = workers[Math.floor(dice * workers.length)];
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}
