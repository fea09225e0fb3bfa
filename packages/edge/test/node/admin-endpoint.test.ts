// The admin endpoint when the network or the service is not what it should be.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { Desk, EdgeError, readInventory } from '@lastcall/edge';
import { readExitRecord } from '../../src/node/exit-record.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { answers, eventually, folder, HAPROXY, missing } from '../support/place.ts';

type Place = { after(end: () => unknown): void };

async function listen(t: Place, server: net.Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

/** The way to a node, which is cut as soon as a call with `text` comes along. */
function cutAt(t: Place, port: number, text: () => string | undefined): Promise<string> {
  const server = net.createServer((client) => {
    const node = net.connect(port, '127.0.0.1');
    for (const socket of [client, node]) socket.on('error', () => socket.destroy());
    client.on('data', (chunk) => {
      const cut = text();
      if (cut === undefined || !chunk.includes(cut)) node.write(chunk);
      // The call arrives; its answer does not.
      else node.write(chunk, () => client.destroy());
    });
    node.pipe(client);
    client.once('close', () => node.destroy());
    node.once('close', () => client.destroy());
  });
  return listen(t, server);
}

const withAdmin = (cluster: Cluster, admin: string): void =>
  cluster.rewrite((inventory) => {
    (inventory.nodes as Record<string, unknown>[])[0]!.admin = admin;
  });
const deskOf = ({ inventory }: Cluster, lines: string[] = []): Desk =>
  new Desk(readInventory(inventory), { progress: (line) => lines.push(line) });
const code = (wanted: string, message: RegExp) => (error: unknown) =>
  error instanceof EdgeError && error.code === wanted && message.test(error.message);

test(
  'a connection that is lost in the middle of a drain: the state and the way back are told, and it can be continued',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node] = cluster.nodes;
    let cut: string | undefined = '/shutdown/wait';
    withAdmin(cluster, await cutAt(t, node!.port, () => cut));
    const lines: string[] = [];
    await assert.rejects(
      deskOf(cluster, lines).drain(node!.server),
      code('ERR_EDGE_MANAGER', /No answer from http.*\/shutdown\/wait: fetch failed/),
    );
    assert.match(lines.at(-1) ?? '', /the way back: .*lastcall node undrain node1/);
    const entry = deskOf(cluster).journal.read(node!.server)!;
    assert.deepEqual([entry.state, entry.done], ['failed', ['take_out', 'settle', 'stop']]);
    const state = (await deskOf(cluster).proxy.servers())[0]!;
    assert.deepEqual([state.inService, state.takenOut], [false, true]);

    await t.test('it is undone while the node takes its stop back', async () => {
      await deskOf(cluster).rollback(node!.server);
      await eventually('it is ready', () => answers(`http://127.0.0.1:${node!.port}/ready`));
      assert.ok((await deskOf(cluster).proxy.servers()).every(({ takenOut }) => !takenOut));
    });
    await t.test('or carried on', async () => {
      await assert.rejects(deskOf(cluster).drain(node!.server));
      cut = undefined;
      await deskOf(cluster).drain(node!.server, true);
      assert.equal(deskOf(cluster).journal.read(node!.server)?.state, 'done');
      assert.equal(await answers(`http://127.0.0.1:${node!.port}/health`), false);
    });
  },
);

test(
  'an endpoint that answers everything, and one that wants a token, are told apart',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node] = cluster.nodes;
    let status = 200;
    const other = http.createServer((_, response) => response.writeHead(status).end('<html>'));
    withAdmin(cluster, await listen(t, other));
    const back = async (): Promise<void> => {
      await deskOf(cluster).rollback(node!.server);
      assert.deepEqual(deskOf(cluster).journal.all(), []);
    };
    // It answers /ready as well, so that a rollback takes it for a node that never stopped.
    cluster.rewrite((inventory) => {
      (inventory.nodes as Record<string, unknown>[])[0]!.url = `http://127.0.0.1:${node!.port}`;
    });
    await assert.rejects(
      deskOf(cluster).drain(node!.server),
      code('ERR_EDGE_MANAGER', /answered 200 with no status: <html>\. Is that the endpoint/),
    );
    await back();
    status = 403;
    await assert.rejects(
      deskOf(cluster).drain(node!.server),
      code('ERR_EDGE_MANAGER', /answered 403: <html>\. Set the token of tokenEnv/),
    );
    await back();
    assert.ok((await deskOf(cluster).proxy.servers()).every(({ inService }) => inService));
    assert.ok(Number(readFileSync(node!.pidFile, 'utf8')) > 0);
  },
);

test('the exit record: no log is none, a rotated one is read from its beginning, a folder is told', (t) => {
  const dir = folder(t);
  const log = join(dir, 'node.log');
  assert.equal(readExitRecord(log, 0), undefined);
  const line =
    'lastcall: node stopped after 1.2 s (SIGTERM): completed 3, lost 0, refused 0; exit 0\n';
  const old = line.replace('lost 0', 'lost 7');
  writeFileSync(log, old + line);
  assert.equal(readExitRecord(log, old.length)?.lost, 0);
  assert.equal(readExitRecord(log, 0)?.lost, 7);
  writeFileSync(log, line);
  assert.equal(readExitRecord(log, old.length + line.length)?.exitCode, 0);
  assert.throws(() => readExitRecord(dir, 0), {
    code: 'ERR_EDGE_NODE',
    message: /log cannot be read.*EISDIR/,
  });
});
