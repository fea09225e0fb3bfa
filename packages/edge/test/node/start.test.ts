import assert from 'node:assert/strict';
import test from 'node:test';
import { Desk, EdgeError, readInventory } from '@lastcall/edge';
import { startCluster } from '../support/cluster.ts';
import { missing, NGINX } from '../support/place.ts';

test(
  'a command that cannot start the node is told at once, and the node can be put back later',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx');
    const server = cluster.nodes[0]!.server;
    const desk = (): Desk => new Desk(readInventory(cluster.inventory));
    let start: unknown = 'exit 3';
    const swapStart = (): void =>
      cluster.rewrite(({ nodes }) => {
        const [node] = nodes as { start: unknown }[];
        [start, node!.start] = [node!.start, start];
      });
    await desk().drain(server);
    swapStart();
    await assert.rejects(desk().undrain(server), (error) => {
      assert.ok(error instanceof EdgeError);
      assert.match(error.message, /its command ended with code 3.*: exit 3/);
      return true;
    });
    swapStart();
    await desk().undrain(server);
    assert.ok((await desk().proxy.servers()).every(({ inService }) => inService));
  },
);
