// Work that is on the wire while the server makes up its mind.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { HELD_UP_MS, startLoad } from '../support/load.ts';
import type { Behaviour, Bench } from './behaviours.ts';

const WARM = 5;

/** Clients that keep their connection until they are told; returns what was asked and lost. */
async function race(
  { start, open }: Bench,
  count: number,
  thinkMs: () => number,
): Promise<{ lost: number; asked: number }> {
  const server = await start();
  const account = { lost: 0, asked: 0 };
  let stopping = false;
  const { done } = await startLoad(count, async (warm) => {
    const peer = await open(server);
    for (let i = 0, dueMs = 0; !peer.told; i += 1) {
      if (stopping && performance.now() - dueMs > HELD_UP_MS) break;
      const askedMs = performance.now();
      account.asked += 1;
      if (!(await peer.ask('/'))) {
        account.lost += 1;
        break;
      }
      if (i === WARM) warm();
      const ms = thinkMs();
      dueMs = askedMs + ms;
      if (ms > 0) await sleep(ms);
    }
    peer.destroy();
  });
  stopping = true;
  server.signal('SIGTERM');
  await done;
  assert.equal((await server.ended).code, 0);
  return account;
}

export const races = {
  async 'idle race lost 0'(bench) {
    const busy = await race(bench, 32, () => 0);
    assert.equal(busy.lost, 0, `lost ${busy.lost} of ${busy.asked} from busy clients`);
    const thinking = await race(bench, 32, () => Math.random() * 40);
    assert.equal(thinking.lost, 0, `lost ${thinking.lost} of ${thinking.asked} with think times`);
  },

  async 'connect race lost 0'({ start, open }) {
    const server = await start({ LASTCALL_LEAVE_MAX_MS: '300' });
    const account = { lost: 0, asked: 0, refused: 0 };
    let stopping = false;
    const { done } = await startLoad(16, async (warm) => {
      for (let i = 0; ; i += 1) {
        const sinceMs = performance.now();
        const peer = await open(server).catch(() => undefined);
        if (!peer) {
          account.refused += 1;
          return;
        }
        if (!stopping || performance.now() - sinceMs <= HELD_UP_MS) {
          account.asked += 1;
          if (!(await peer.ask('/'))) account.lost += 1;
        }
        peer.destroy();
        if (i === WARM) warm();
      }
    });
    stopping = true;
    server.signal('SIGTERM');
    await done;
    assert.equal(account.lost, 0, `lost ${account.lost} of ${account.asked} new connections`);
    assert.equal(account.refused, 16);
    assert.equal((await server.ended).code, 0);
  },
} satisfies Record<string, Behaviour>;
