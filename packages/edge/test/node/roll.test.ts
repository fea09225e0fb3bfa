import assert from 'node:assert/strict';
import test from 'node:test';
import { Desk, readInventory, roll } from '@lastcall/edge';
import { startCluster } from '../support/cluster.ts';
import { startLoad } from '../support/load.ts';
import { HAPROXY, missing, NGINX } from '../support/place.ts';

/** The full count is for a machine of its own: LASTCALL_ROLLS=20. */
const ROLLS = Number(process.env.LASTCALL_ROLLS ?? 2);

for (const [kind, program] of [
  ['nginx', NGINX],
  ['haproxy', HAPROXY],
] as const)
  test(
    `${ROLLS} rolls of 3 nodes of 2 workers behind ${kind} drop nothing`,
    { skip: missing(program) },
    async (t) => {
      const cluster = await startCluster(t, kind, { nodes: 3, workers: 2 });
      const desk = new Desk(readInventory(cluster.inventory));
      // nginx ends idle connections of its clients at a reload; HAProxy is not reloaded.
      const load = startLoad(cluster.url, kind === 'haproxy');
      for (let i = 0; i < ROLLS; i += 1) await roll(desk, 1);
      const { sent, failed } = await load.stop();
      t.diagnostic(JSON.stringify(sent));
      assert.deepEqual(failed, []);
      assert.ok(Object.values(sent).every((count) => count > 20));
      assert.ok((await desk.proxy.servers()).every(({ inService }) => inService));
    },
  );
