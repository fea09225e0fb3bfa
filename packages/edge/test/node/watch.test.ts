import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Desk, readInventory, roll, Watch } from '@lastcall/edge';
import { Hysteresis } from '../../src/node/hysteresis.ts';
import { startCluster } from '../support/cluster.ts';
import { answers, eventually, missing, NGINX } from '../support/place.ts';

test('a node changes its health only after so many answers in a row', () => {
  const health = new Hysteresis({ rise: 2, fall: 3 });
  const seen = [false, false, true, false, false, false, true, false, true, true].map((good) => {
    health.note(good);
    return health.healthy;
  });
  assert.deepEqual(seen, [true, true, true, true, true, false, false, false, false, true]);
});

test(
  'watch marks a dead node down and a recovered one up, holds the last, leaves drained ones alone',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx', { nodes: 2 });
    const [one, two] = cluster.nodes;
    const inventory = readInventory(cluster.inventory);
    const desk = new Desk(inventory);
    const said: string[] = [];
    const watch = new Watch(desk, (line) => said.push(line));
    const port = await watch.serveMetrics(0);
    const rounds = async (): Promise<void> => {
      for (let i = 0; i < 2; i += 1) await watch.round();
    };
    const inService = async (): Promise<boolean[]> =>
      (await desk.proxy.servers()).map((server) => server.inService);
    const kill = (pidFile: string): Promise<void> => {
      const pid = Number(readFileSync(pidFile, 'utf8'));
      process.kill(pid, 'SIGKILL');
      const url = `http://127.0.0.1:${cluster.nodes.find((node) => node.pidFile === pidFile)!.port}/ready`;
      return eventually('the node is gone', async () => !(await answers(url)));
    };
    const start = (i: number): Promise<void> => {
      spawn('/bin/sh', ['-c', inventory.nodes[i]!.start ?? ''], {
        stdio: 'ignore',
        detached: true,
      }).unref();
      return eventually('the node is back', () =>
        answers(`http://127.0.0.1:${cluster.nodes[i]!.port}/ready`),
      );
    };

    await rounds();
    assert.deepEqual(await inService(), [true, true]);
    await kill(one!.pidFile);
    await rounds();
    assert.deepEqual(await inService(), [false, true]);
    await kill(two!.pidFile);
    await rounds();
    assert.deepEqual(await inService(), [false, true], 'the last one stays in service');
    assert.match(said.join('\n'), /stays in service/);
    await Promise.all([start(0), start(1)]);
    // Another watch takes over what this one marked.
    const successor = new Watch(desk, () => {});
    for (let i = 0; i < 2; i += 1) await successor.round();
    assert.deepEqual(await inService(), [true, true]);

    await desk.drain(one!.server);
    await start(0);
    await rounds();
    assert.deepEqual(await inService(), [false, true], 'a drained node is not put back');
    await desk.undrain(one!.server);
    const metrics = await (
      await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } })
    ).text();
    assert.match(metrics, /lastcall_edge_marks_total\{what="down"\} 1\n/);
    assert.match(metrics, /lastcall_edge_marks_total\{what="held"\} [1-9]/);
  },
);

test(
  'roll stops at a node that does not come back, and leaves the rest alone',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx', { nodes: 3 });
    cluster.rewrite((inventory) => {
      (inventory.nodes as Record<string, unknown>[])[1]!.start = 'exit 1';
    });
    const desk = new Desk(readInventory(cluster.inventory));
    await assert.rejects(roll(desk, 3), /leave 0 in service, the least is 1/);
    await assert.rejects(
      roll(desk, 1),
      new RegExp(`stopped at ${cluster.nodes[1]!.server}, 1 nodes were not touched`),
    );
    assert.deepEqual(
      (await desk.proxy.servers()).map(({ inService }) => inService),
      [true, false, true],
    );
    await assert.rejects(roll(desk, 1), /Not every node is in service/);
  },
);
