// Controllers that are killed with no warning at each step, and two that work at the same time.
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Desk, EdgeError, readInventory } from '@lastcall/edge';
import { processFacts } from '../../src/proxy/processes.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { lastcall } from '../support/command.ts';
import { LEFT } from '../support/fake-haproxy.ts';
import { workersOf } from '../support/half-marked.ts';
import { answers, eventually, HAPROXY, missing, NGINX } from '../support/place.ts';

const deskOf = ({ inventory }: Cluster): Desk => new Desk(readInventory(inventory));
const isOut = async (cluster: Cluster, server: string): Promise<boolean> =>
  (await deskOf(cluster).proxy.servers()).some(
    (state) => state.server === server && state.takenOut,
  );
const ready = (port: number): Promise<boolean> => answers(`http://127.0.0.1:${port}/ready`);
const hasCode = (code: string) => (error: unknown) =>
  error instanceof EdgeError && error.code === code;

test(
  'a drain whose controller is killed in any step can be continued, and it can be undone or says why not',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node] = cluster.nodes;
    const { server, port } = node!;
    const cutOff = (step: number) =>
      lastcall(['node', 'drain', server, '--nodes', cluster.inventory], `[${step}/5]`);
    for (const step of [1, 2, 3, 4, 5]) {
      await cutOff(step);
      if (deskOf(cluster).journal.read(server)?.state !== 'done')
        await deskOf(cluster).drain(server, true);
      assert.equal(await ready(port), false, `step ${step}`);
      assert.equal(await isOut(cluster, server), true);
      await deskOf(cluster).undrain(server);
      assert.deepEqual(deskOf(cluster).journal.all(), []);
    }
    for (const step of [1, 2, 3, 4]) {
      await cutOff(step);
      try {
        await deskOf(cluster).rollback(server);
        assert.equal(await isOut(cluster, server), false, `step ${step}`);
        assert.equal(await ready(port), true, `step ${step}`);
      } catch (error) {
        // The stop was sent: the message says so, and the node stays out until it is started.
        assert.ok(hasCode('ERR_EDGE_NODE')(error), String(error));
        const { done } = deskOf(cluster).journal.read(server)!;
        assert.ok(done.includes('settle'), `step ${step}`);
        assert.equal(await isOut(cluster, server), true);
        // Killed between its note of whom it tells and the signal, it has told nobody.
        if (!done.includes('stop')) await deskOf(cluster).drain(server, true);
        await eventually('the node has ended', async () => !(await ready(port)));
        await deskOf(cluster).undrain(server);
      }
      assert.deepEqual(deskOf(cluster).journal.all(), []);
    }
    // The state of the cluster is that of the beginning, and nothing is left over.
    assert.deepEqual(readdirSync(join(cluster.dir, 'state')), []);
  },
);

test(
  'a stop that was sent and not written down does not hold up who continues',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node] = cluster.nodes;
    const drained = ['node', 'drain', node!.server, '--nodes', cluster.inventory];
    const pid = Number(readFileSync(node!.pidFile, 'utf8'));
    const { proxy, journal } = deskOf(cluster);
    await proxy.takeOut(node!.server);
    journal.write({
      ...LEFT,
      server: node!.server,
      done: ['take_out', 'settle'],
      told: { pid, birth: processFacts(pid)!.birth },
    });
    process.kill(pid, 'SIGTERM');
    await eventually('the node has ended', async () => !(await ready(node!.port)));
    await eventually('its process too', () => processFacts(pid) === undefined);
    const { code, out, err } = await lastcall([...drained, '--continue']);
    assert.equal(code, 0, out + err);
    assert.match(out, /lost 0, exit code 0/);
  },
);

test(
  'nginx: a mark that was written and not loaded is loaded by who goes on, or back',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx');
    const [node] = cluster.nodes;
    const text = readFileSync(cluster.upstreamFile, 'utf8');
    const reached = join(cluster.dir, 'tested');
    // A test of the configuration that never ends: the controller dies between writing and loading.
    const slow = join(cluster.dir, 'slow-nginx');
    writeFileSync(slow, `#!/bin/sh\n: > '${reached}'\nkill -9 $PPID\n`);
    chmodSync(slow, 0o755);
    const withCommand = (command: string): void =>
      cluster.rewrite((inventory) => {
        (inventory.nginx as Record<string, unknown>).command = command;
      });
    const workers = (): string => workersOf(cluster);
    const words = ['node', 'drain', node!.server, '--nodes', cluster.inventory];
    for (const way of ['--rollback', '--continue']) {
      withCommand(slow);
      await lastcall(words);
      assert.notEqual(readFileSync(cluster.upstreamFile, 'utf8'), text);
      withCommand(NGINX);
      const before = workers();
      const { code, out, err } = await lastcall([...words, way]);
      assert.equal(code, 0, out + err);
      assert.notEqual(workers(), before, `${way}: nginx has new workers`);
      assert.equal(readFileSync(cluster.upstreamFile, 'utf8') === text, way === '--rollback');
    }
    assert.equal(await ready(node!.port), false);
    // The other way: it is written up, and the controller dies before it is loaded.
    withCommand(slow);
    await lastcall(['node', 'undrain', node!.server, '--nodes', cluster.inventory]);
    assert.equal(readFileSync(cluster.upstreamFile, 'utf8'), text);
    withCommand(NGINX);
    const before = workers();
    await deskOf(cluster).undrain(node!.server);
    assert.notEqual(workers(), before);
    assert.deepEqual(deskOf(cluster).journal.all(), []);
  },
);

test(
  'of controllers that drain the same node at the same time one does it, the others are told',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node] = cluster.nodes;
    const drained = ['node', 'drain', node!.server, '--nodes', cluster.inventory];
    const all = await Promise.all([1, 2, 3].map(() => lastcall(drained)));
    assert.equal(all.filter(({ code }) => code === 0).length, 1);
    for (const { code, err, out } of all)
      if (code !== 0) {
        assert.match(err, /Another controller \(pid \d+\)|is down already/);
        assert.equal(out, '', 'it has not begun');
      }
    // In one process too.
    const desk = deskOf(cluster);
    const both = await Promise.allSettled([desk.undrain(node!.server), desk.undrain(node!.server)]);
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  },
);

test(
  'an undrain that fails keeps what was recorded, and its way back works',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node, other] = cluster.nodes;
    const { server } = node!;
    let start: unknown;
    const swapStart = (): void =>
      cluster.rewrite((inventory) => {
        inventory.boot = '1s';
        const [first] = inventory.nodes as Record<string, unknown>[];
        [start, first!.start] = [first!.start, start];
        if (first!.start === undefined) delete first!.start;
      });
    await deskOf(cluster).drain(server);
    swapStart();
    // Without a command that starts it, the first step is the wait.
    await assert.rejects(deskOf(cluster).undrain(server), /was not ready/);
    const { verb, state } = deskOf(cluster).journal.read(server)!;
    assert.deepEqual([verb, state], ['drain', 'done']);
    swapStart();
    // It is started, and the path of its readiness is one that never answers.
    const path = (text: string): void =>
      cluster.rewrite((inventory) => {
        (inventory.watch as Record<string, unknown>).path = text;
      });
    path('/hang');
    await lastcall(['node', 'undrain', server, '--nodes', cluster.inventory], '[2/3]');
    path('/ready');
    await eventually('it runs', () => ready(node!.port));
    assert.equal(deskOf(cluster).journal.read(server)?.verb, 'undrain');
    await deskOf(cluster).drain(server);
    assert.equal(await ready(node!.port), false);
    assert.equal(await ready(other!.port), true);
  },
);

test(
  'a journal that cannot be used is told, and status needs none',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node] = cluster.nodes;
    const status = await lastcall(['node', 'status', '--nodes', cluster.inventory]);
    assert.equal(status.code, 0);
    assert.ok(!readdirSync(cluster.dir).includes('state'), 'looking leaves nothing behind');
    writeFileSync(join(cluster.dir, 'file'), '');
    cluster.rewrite((inventory) => {
      inventory.stateDir = 'file/state';
    });
    const drained = ['node', 'drain', node!.server, '--nodes', cluster.inventory];
    const unusable = await lastcall(drained);
    assert.equal(unusable.code, 1);
    assert.match(
      unusable.err,
      /^lastcall: The journal in .*file\/state \(stateDir\) cannot be used: ENOTDIR.*\n$/,
    );
    cluster.rewrite((inventory) => {
      inventory.stateDir = '.';
    });
    writeFileSync(join(cluster.dir, `${node!.server}.node.json`), '{"server":"node1"}');
    const odd = await lastcall(drained);
    assert.match(odd.err, /node1\.node\.json cannot be read: that is no entry of a journal/);
    assert.equal(await isOut({ ...cluster }, node!.server).catch(() => false), false);
  },
);
