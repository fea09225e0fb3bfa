// Drains that were cut off, and whose server somebody put back in service before they went on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Desk, readInventory } from '@lastcall/edge';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { processFacts } from '../../src/proxy/processes.ts';
import { code, fakeHaproxy, LEFT } from '../support/fake-haproxy.ts';
import { Upload } from '../support/load.ts';
import { program } from '../support/program.ts';
import { answers, eventually, folder, HAPROXY, inFlight, missing } from '../support/place.ts';

const deskOf = ({ inventory }: Cluster, lines: string[] = []): Desk =>
  new Desk(readInventory(inventory), { progress: (line) => lines.push(line) });

test(
  'a drain that goes on takes a server out again that is in service again, unless it is the last',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node, other] = cluster.nodes;
    const ready = (): Promise<boolean> => answers(`http://127.0.0.1:${node!.port}/ready`);
    const { proxy, journal } = deskOf(cluster);
    // Cut off in [3/5]; then HAProxy was told otherwise by hand.
    const left = { ...LEFT, server: 'node1', done: ['take_out' as const, 'settle' as const] };
    journal.write(left);
    await proxy.takeOut('node2');
    await assert.rejects(deskOf(cluster).drain('node1', true), code('ERR_EDGE_LAST'));
    assert.equal(await ready(), true);
    assert.deepEqual(journal.read('node1')?.done, left.done);

    await proxy.putBack('node2');
    await eventually('the other is in service', async () =>
      (await proxy.servers()).every(({ inService }) => inService),
    );
    assert.equal(await answers(`http://127.0.0.1:${other!.port}/ready`), true);
    const lines: string[] = [];
    await deskOf(cluster, lines).drain('node1', true);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('[')).map((line) => line.slice(0, 5)),
      ['[1/5]', '[2/5]', '[3/5]', '[4/5]', '[5/5]'],
    );
    assert.equal((await proxy.servers())[0]?.takenOut, true);
    assert.equal(await ready(), false);
    assert.ok(!readFileSync(node!.log, 'utf8').includes('SIGKILL'));
  },
);

test(
  'a node that was told, which nobody wrote down, is not told again: it finishes what it holds',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy', { env: { GRACE_MS: '60000' } });
    const [node] = cluster.nodes;
    const url = `http://127.0.0.1:${node!.port}`;
    const pid = Number(readFileSync(node!.pidFile, 'utf8'));
    const upload = new Upload(url);
    await eventually('it holds an upload', async () => (await inFlight(node!.port)) === 1);
    const { proxy, journal } = deskOf(cluster);
    await proxy.takeOut('node1');
    const told = { pid, birth: processFacts(pid)!.birth };
    journal.write({ ...LEFT, server: 'node1', done: ['take_out', 'settle'], told });
    process.kill(pid, 'SIGTERM');
    await eventually('it has heard', async () => !(await answers(`${url}/ready`)));
    // Of two signals closer together than half a second the second counts for nothing.
    await sleep(700);
    const lines: string[] = [];
    const drained = deskOf(cluster, lines).drain('node1', true);
    await eventually('it waits', () => lines.some((line) => line.startsWith('[4/5]')));
    assert.equal(await upload.finish(), '8');
    await drained;
    assert.match(lines.at(-1) ?? '', /lost 0, exit code 0/);
  },
);

test("one that was taken over and is in service again is not the watch's any more", async (t) => {
  const { pid } = program(t);
  const runtime = await fakeHaproxy(t, { pid, url: 'http://127.0.0.1:1' });
  const { journal } = runtime.desk();
  journal.write({ ...LEFT, done: ['take_out', 'settle'], takenOver: 'running' });
  runtime.out.add('b');
  await assert.rejects(runtime.desk().drain('a', true), code('ERR_EDGE_LAST'));
  assert.deepEqual(
    runtime.commands.filter((command) => command.startsWith('set')),
    [],
  );
});

test('a server that is put back while its drain settles is not stopped', async (t) => {
  const control = join(folder(t), 'control');
  const verbs: string[] = [];
  const supervisor = net.createServer((client) => {
    client.on('error', () => {});
    client.once('data', (line) => {
      verbs.push((JSON.parse(line.toString()) as { verb: string }).verb);
      client.end(`${JSON.stringify({ ok: true, result: { exit_code: 0 } })}\n`);
    });
  });
  await new Promise<void>((resolve) => supervisor.listen(control, resolve));
  t.after(() => supervisor.close());
  const runtime = await fakeHaproxy(t, { control, url: 'http://127.0.0.1:1' });
  let asked = 0;
  runtime.mute = (command) => {
    // It is settled when the third look finds no sessions; then another hand is at work.
    if (command === 'show stat' && runtime.out.has('a') && (asked += 1) === 3)
      runtime.out.delete('a');
    return false;
  };
  await assert.rejects(runtime.desk().drain('a'), code('ERR_EDGE_PROXY', /in service again/));
  assert.deepEqual(verbs, ['status']);
  assert.deepEqual(runtime.desk().journal.read('a')?.state, 'failed');
  runtime.mute = () => false;
  await runtime.desk().drain('a', true);
  assert.equal(verbs.at(-1), 'stop');
  assert.ok(runtime.out.has('a'));
});
