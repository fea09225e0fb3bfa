// Nodes that the watch has marked down and an operator then drains.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Desk, readInventory, readMarks, roll, Watch } from '@lastcall/edge';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { lastcall } from '../support/command.ts';
import { halfMarked } from '../support/half-marked.ts';
import { healthOf } from '../support/health.ts';
import { answers, eventually, HAPROXY, missing, NGINX } from '../support/place.ts';

const deskOf = ({ inventory }: Cluster, lines: string[] = []): Desk =>
  new Desk(readInventory(inventory), { progress: (line) => lines.push(line) });
const inService = async (cluster: Cluster): Promise<boolean[]> =>
  (await deskOf(cluster).proxy.servers()).map((server) => server.inService);
const ENTRY = {
  server: 'node1',
  verb: 'drain' as const,
  done: [],
  state: 'running' as const,
  pid: process.pid,
  birth: '',
  startedAt: '',
  updatedAt: '',
  error: undefined,
  logFrom: 0,
  takenOver: 'running' as const,
};
const rounds = async (watch: Watch, count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await watch.round();
};

test(
  'a node that died and was marked down is drained: nothing is stopped, the watch leaves it alone, undrain puts it back',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx');
    const [node] = cluster.nodes;
    const { server, port, pidFile } = node!;
    const command = (...words: string[]) =>
      lastcall(['node', ...words, '--nodes', cluster.inventory]);
    const firstRow = async (): Promise<string> => (await command('status')).out.split('\n')[0]!;
    const desk = deskOf(cluster);
    await desk.journal.watching(async () => {
      const watch = new Watch(desk, () => {});
      process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
      const ready = (): Promise<boolean> => answers(`http://127.0.0.1:${port}/ready`);
      await eventually('the node is gone', async () => !(await ready()));
      await rounds(watch, 2);
      assert.deepEqual(await inService(cluster), [false, true]);
      assert.equal(
        await firstRow(),
        `${server}  out  not ready  marked down by node watch (pid ${process.pid}, which puts it back when it recovers)`,
      );

      const foreseen = (await command('drain', server, '--dry-run')).out;
      assert.match(foreseen, /nothing: node watch has marked it down already/);
      assert.equal(foreseen.match(/nothing: it has ended already/g)?.length, 4, foreseen);
      const drained = await command('drain', server);
      assert.equal(drained.code, 0, drained.err);
      assert.equal(drained.out.match(/^ {6}skipped: /gm)?.length, 5, drained.out);
      assert.match(drained.out, /skipped: there is nothing to stop, there is no process \d+ /);
      const held = `${server}  out  not ready  drain done (take_out, settle, stop, await_exit, verify)  taken over from node watch`;
      assert.equal(await firstRow(), held);
      assert.match(
        (await command('drain', server)).err,
        /is down already .* lastcall node undrain/,
      );

      // It comes back by itself, and stays out all the same.
      spawn('/bin/sh', ['-c', desk.inventory.nodes[0]!.start ?? ''], {
        stdio: 'ignore',
        detached: true,
      }).unref();
      await eventually('the node is back', ready);
      await rounds(watch, 4);
      assert.deepEqual(await inService(cluster), [false, true]);
      assert.equal(await firstRow(), held.replace('not ready', 'ready'));

      assert.equal((await command('undrain', server)).code, 0);
      await rounds(watch, 4);
      assert.deepEqual(await inService(cluster), [true, true]);
      assert.equal(await firstRow(), `${server}  in service  ready`);
      assert.deepEqual(readMarks(desk.inventory.stateDir), []);
    });
  },
);

test(
  'a node that runs and was marked down is stopped by its drain; a rollback gives it back to the watch',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const healthy = await healthOf(t, cluster);
    const { port, pidFile } = cluster.nodes[0]!;
    const ready = (): Promise<boolean> => answers(`http://127.0.0.1:${port}/ready`);
    const watch = new Watch(deskOf(cluster), () => {});
    const stoppedBy = (entry: object): void =>
      cluster.rewrite((inventory) => {
        const [first] = inventory.nodes as Record<string, unknown>[];
        delete first!.admin;
        delete first!.pidFile;
        Object.assign(first!, entry);
      });
    healthy[0] = false;
    await rounds(watch, 2);
    stoppedBy({ admin: 'http://127.0.0.1:1' });
    await assert.rejects(deskOf(cluster).drain('node1'), /No answer from http:\/\/127\.0\.0\.1:1/);
    healthy[0] = true;
    await rounds(watch, 3);
    assert.deepEqual(await inService(cluster), [false, true], 'a drain that failed holds it too');
    const said: string[] = [];
    await deskOf(cluster, said).rollback('node1');
    assert.deepEqual(said, ['node1 is marked down by node watch, as it was before']);
    stoppedBy({ pidFile });
    healthy[0] = false;
    for (let i = 0; i < 3; i += 1) {
      await watch.round();
      assert.deepEqual(await inService(cluster), [false, true], 'it has not recovered');
    }
    const status = await lastcall(['node', 'status', '--nodes', cluster.inventory]);
    assert.match(status.out, /^node1 .* marked down by node watch \(none runs now: /);
    healthy[0] = true;
    await rounds(watch, 2);
    assert.deepEqual(await inService(cluster), [true, true]);

    healthy[0] = false;
    await rounds(watch, 2);
    assert.equal(await ready(), true);
    const lines: string[] = [];
    await deskOf(cluster, lines).drain('node1');
    assert.equal(await ready(), false);
    const told = lines.filter((line) => line.startsWith(' ')).join('\n');
    assert.match(told, /^ +skipped: node watch had marked it down already; .*\n +nothing is on/);
    assert.match(told, /\n +lost 0, exit code 0 .*$/);
    healthy[0] = true;
    await rounds(watch, 3);
    assert.deepEqual(await inService(cluster), [false, true]);
    await deskOf(cluster).undrain('node1');
    await rounds(watch, 3);
    assert.deepEqual(await inService(cluster), [true, true]);

    // An undrain that fails leaves it with the watch, which does not take it for recovered.
    healthy[0] = false;
    await rounds(watch, 2);
    cluster.rewrite((inventory) => {
      inventory.boot = '2s';
      delete (inventory.nodes as Record<string, unknown>[])[0]!.start;
    });
    const { journal } = deskOf(cluster);
    const failing = assert.rejects(deskOf(cluster).undrain('node1'), /was not ready/);
    await eventually('it is recorded', () => journal.read('node1') !== undefined);
    await rounds(watch, 1);
    await failing;
    await rounds(watch, 1);
    assert.deepEqual(await inService(cluster), [false, true]);
  },
);

test(
  'a drain that begins while the watch is about to put the node back wins',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const healthy = await healthOf(t, cluster);
    const desk = deskOf(cluster);
    const watch = new Watch(desk, () => {});
    healthy[0] = false;
    await rounds(watch, 2);
    healthy[0] = true;
    await rounds(watch, 1);
    const looked = Promise.withResolvers<void>();
    const { proxy } = desk;
    const servers = proxy.servers.bind(proxy);
    proxy.servers = async () => {
      const found = await servers();
      looked.resolve();
      return found;
    };
    let round: Promise<void> | undefined;
    await desk.journal.locked(async () => {
      round = watch.round();
      await looked.promise;
      desk.journal.write(ENTRY);
    });
    await round;
    assert.deepEqual(await inService(cluster), [false, true]);
    assert.deepEqual(readMarks(desk.inventory.stateDir), ['node1']);
  },
);

test(
  'a node that had gone and was started before its drain went on is stopped',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const lines: string[] = [];
    const desk = deskOf(cluster, lines);
    await desk.proxy.takeOut('node1');
    desk.journal.write({ ...ENTRY, state: 'failed', done: ['take_out'], takenOver: 'gone' });
    await desk.drain('node1', true);
    // The mark alone is not new.
    assert.doesNotMatch(lines.slice(2).join('\n'), /skipped/);
    assert.match(lines.at(-1) ?? '', /lost 0, exit code 0/);
    assert.equal(await answers(`http://127.0.0.1:${cluster.nodes[0]!.port}/ready`), false);
    assert.equal(desk.journal.read('node1')?.takenOver, 'running');
  },
);

test(
  'a roll starts a node that died and was marked down, and puts it back',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const { port, pidFile } = cluster.nodes[0]!;
    const ready = (): Promise<boolean> => answers(`http://127.0.0.1:${port}/ready`);
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
    await eventually('the node is gone', async () => !(await ready()));
    await rounds(new Watch(deskOf(cluster), () => {}), 2);
    const lines: string[] = [];
    const desk = deskOf(cluster, lines);
    assert.deepEqual(readMarks(desk.inventory.stateDir), ['node1']);
    await roll(desk, 1);
    assert.deepEqual(await inService(cluster), [true, true]);
    assert.equal(await ready(), true);
    assert.equal(lines.filter((line) => /^ +lost 0, exit code 0 /.test(line)).length, 1);
    assert.equal(lines.filter((line) => /^ +skipped: /.test(line)).length, 5);
    await rounds(new Watch(desk, () => {}), 1);
    assert.deepEqual(readMarks(desk.inventory.stateDir), []);
  },
);

test(
  'a mark that was written and not loaded is loaded by the drain that takes over',
  { skip: missing(NGINX) },
  async (t) => {
    const { cluster, workers } = await halfMarked(t);
    assert.deepEqual(await inService(cluster), [false, true]);
    const before = workers();
    await deskOf(cluster).drain(cluster.nodes[0]!.server);
    assert.notEqual(workers(), before);
  },
);
