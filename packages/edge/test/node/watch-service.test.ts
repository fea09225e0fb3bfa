// The watch through a long day: all nodes at once, nodes that flap, planned stops, its own death.
import assert from 'node:assert/strict';
import http from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Desk, readInventory, Watch } from '@lastcall/edge';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { lastcall } from '../support/command.ts';
import { halfMarked } from '../support/half-marked.ts';
import { healthOf } from '../support/health.ts';
import { answers, eventually, HAPROXY, missing, NGINX } from '../support/place.ts';

const PORT_TAKEN = /--metrics \d+: .*EADDRINUSE.*Name a free port/;

const inService = async ({ inventory }: Cluster): Promise<boolean[]> =>
  (await new Desk(readInventory(inventory)).proxy.servers()).map((server) => server.inService);

test(
  'watch: all nodes that fail at once stay in service, one that flaps is left alone, and each trouble is said once',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy', { nodes: 3 });
    const healthy = await healthOf(t, cluster);
    const said: string[] = [];
    const watch = new Watch(new Desk(readInventory(cluster.inventory)), (line) => said.push(line));
    const rounds = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) await watch.round();
    };
    healthy.fill(false);
    await rounds(6);
    assert.deepEqual(await inService(cluster), [true, true, true]);
    assert.equal(said.length, 3, said.join('\n'));
    healthy.fill(true);
    await rounds(2);
    for (let i = 0; i < 6; i += 1) {
      healthy[0] = i % 2 === 0;
      await watch.round();
    }
    assert.deepEqual(await inService(cluster), [true, true, true]);
    // Two of three fail: one is left, whichever comes first.
    healthy.splice(0, 3, false, false, true);
    await rounds(3);
    assert.deepEqual(await inService(cluster), [false, false, true]);
    healthy[2] = false;
    await rounds(3);
    assert.deepEqual(await inService(cluster), [false, false, true]);
    healthy.fill(true);
    await rounds(3);
    assert.deepEqual(await inService(cluster), [true, true, true]);
    assert.match(watch.metrics(), /what="errors"\} 0\n/);
  },
);

test(
  'watch: a node that was stopped on purpose is not marked down when it is back',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx');
    const [node] = cluster.nodes;
    const desk = new Desk(readInventory(cluster.inventory));
    const said: string[] = [];
    const watch = new Watch(desk, (line) => said.push(line));
    await watch.round();
    await desk.drain(node!.server);
    for (let i = 0; i < 3; i += 1) await watch.round();
    await desk.undrain(node!.server);
    await watch.round();
    assert.deepEqual(await inService(cluster), [true, true]);
    assert.deepEqual(said, []);
  },
);

test(
  'watch: what a watch marked that was killed is put back by the next one; what is no memory is none',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const healthy = await healthOf(t, cluster);
    healthy[0] = false;
    const words = ['node', 'watch', '--nodes', cluster.inventory];
    const { out } = await lastcall(words, 'marked down');
    assert.match(out, /node1 marked down/);
    healthy[0] = true;
    await lastcall(words, 'marked up');
    assert.deepEqual(await inService(cluster), [true, true]);
    // A memory of a server that is back in service is none either.
    writeFileSync(join(cluster.dir, 'state', 'watch.json'), '["node2"]');
    await new Watch(new Desk(readInventory(cluster.inventory)), () => {}).round();
    assert.deepEqual(await inService(cluster), [true, true]);
    // A server that an operator takes out afterwards is none of the watch's.
    await new Desk(readInventory(cluster.inventory)).proxy.takeOut('node1');
    const watch = new Watch(new Desk(readInventory(cluster.inventory)), () => {});
    for (let i = 0; i < 3; i += 1) await watch.round();
    assert.deepEqual(await inService(cluster), [false, true]);
    writeFileSync(join(cluster.dir, 'state', 'watch.json'), '{"node1":true}');
    await new Watch(new Desk(readInventory(cluster.inventory)), () => {}).round();
    assert.deepEqual(await inService(cluster), [false, true]);
  },
);

test(
  'watch: a mark that was written and not loaded is loaded by the next watch',
  { skip: missing(NGINX) },
  async (t) => {
    const { cluster, healthy, workers } = await halfMarked(t);
    assert.deepEqual(await inService(cluster), [false, true]);
    const before = workers();
    const watch = new Watch(new Desk(readInventory(cluster.inventory)), () => {});
    await watch.round();
    const loaded = workers();
    assert.notEqual(loaded, before);
    assert.deepEqual(await inService(cluster), [false, true], 'it has not recovered');
    await watch.round();
    assert.deepEqual(await inService(cluster), [false, true]);
    assert.equal(workers(), loaded, 'once');
    healthy[0] = true;
    await watch.round();
    await watch.round();
    assert.deepEqual(await inService(cluster), [true, true]);
  },
);

test(
  'watch: a port that is taken is told; SIGTERM ends it with 0 whoever reads its metrics',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const { port } = new URL(cluster.url);
    const taken = await lastcall([
      'node',
      'watch',
      '--metrics',
      port,
      '--nodes',
      cluster.inventory,
    ]);
    assert.equal(taken.code, 2);
    assert.match(taken.err, PORT_TAKEN);
    const agent = new http.Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const ended = await lastcall(
      ['node', 'watch', '--metrics', '0', '--nodes', cluster.inventory],
      undefined,
      (child, out) => {
        const at = /metrics on (127\.0\.0\.1:\d+)/.exec(out)?.[1];
        if (at === undefined) return;
        http.get(`http://${at}/metrics`, { agent }, (response) => {
          response.resume().once('end', () => child.kill('SIGTERM'));
        });
      },
    );
    assert.equal(ended.code, 0, ended.err);
    await eventually('the cluster is as it was', () => answers(`${cluster.url}/`));
  },
);
