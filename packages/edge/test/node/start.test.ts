import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { Desk, EdgeError, readInventory } from '@lastcall/edge';
import { startCluster } from '../support/cluster.ts';
import { answers, missing, NGINX } from '../support/place.ts';

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

test(
  'a backup is drained and put back like any other server, and counts as one that is left',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx');
    const [one, two] = cluster.nodes;
    const text = readFileSync(cluster.upstreamFile, 'utf8').replace(
      `${one!.server} max_fails=2`,
      `${one!.server} backup max_fails=2`,
    );
    writeFileSync(cluster.upstreamFile, text);
    for (const { server } of [one!, two!]) {
      const desk = new Desk(readInventory(cluster.inventory));
      await desk.drain(server);
      assert.ok(await answers(`${cluster.url}/`), `without ${server}`);
      await desk.undrain(server);
    }
    assert.equal(readFileSync(cluster.upstreamFile, 'utf8'), text);
  },
);
