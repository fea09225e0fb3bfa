import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest, type Status } from './support/node.ts';
import { poll } from './support/poll.ts';
import { StreamClient } from './support/stream-client.ts';

const MOVING = new URL('./fixtures/moving-app.ts', import.meta.url).pathname;

type MovingStatus = Status & {
  moves: { moved: number; stayed: Record<string, number> };
};

const start = (): Promise<NodeUnderTest> => NodeUnderTest.start({ target: [MOVING] });

const status = (node: NodeUnderTest): Promise<MovingStatus> => node.ask<MovingStatus>('status');

/** Every worker of an older generation has gone. */
async function retired(node: NodeUnderTest): Promise<void> {
  await poll(async () => (await node.status()).workers.every(({ phase }) => phase !== 'retiring'));
}

it('moves open streams on their connections, reload after reload, each event once', async () => {
  await using node = await start();
  const clients = Array.from(
    { length: 50 },
    (_, i) => new StreamClient(node.port, i % 2 === 0 ? '/sse' : '/chunks'),
  );
  for (const client of clients) await client.event(3);
  for (let reloads = 1; reloads <= 3; reloads += 1) {
    await node.ask('reload');
    await retired(node);
    const before = clients.map(({ last }) => last);
    await Promise.all(clients.map((client, i) => client.event(before[i]! + 3)));
  }
  assert.deepEqual(
    clients.flatMap(({ faults }) => faults),
    [],
  );
  // A stream of a worker that was replaced later may have been moved within one reload only once.
  for (const { writers } of clients) assert.equal(writers.length, 4);
  const { moves, in_flight, killed_leases } = await status(node);
  assert.deepEqual(moves, { moved: 150, on_their_way: 0, stayed: {} });
  assert.equal(in_flight, 50);
  assert.equal(killed_leases, 0);
  const metrics = await node.get('/metrics');
  assert.match(metrics.body, /lastcall_work_total\{kind="stream",outcome="moved"\} 150/);
  assert.match(metrics.body, /lastcall_moved_total 150/);
  for (const client of clients) client.socket.destroy();
});

it('the connection serves further requests when a moved stream has ended', async () => {
  await using node = await start();
  const until = join(node.dir, 'until');
  const client = new StreamClient(node.port, `/chunks?until=${until}`);
  await client.event(3);
  await node.ask('reload');
  await poll(async () => (await status(node)).moves.moved === 1);
  const last = client.last + 200;
  writeFileSync(until, String(last));
  await client.ended;
  assert.equal(client.last, last);
  client.socket.write('GET /pid HTTP/1.1\r\nHost: test\r\n\r\n');
  await client.when(() => /\d+ 1\n/.test(client.after));
  assert.match(client.after, /^HTTP\/1\.1 200 OK\r\n/);
  assert.ok(client.after.endsWith(`${client.writers.at(-1)} 1\n`));
  assert.deepEqual(client.faults, []);
  await poll(async () => (await node.status()).in_flight === 0);
  client.socket.destroy();
});

it('a client that floods while it is moved gets every event, and its answers after them', async () => {
  await using node = await start();
  const until = join(node.dir, 'until');
  const client = new StreamClient(node.port, `/chunks?until=${until}`);
  await client.event(3);
  const flood = setInterval(() => client.socket.write('GET /pid HTTP/1.1\r\nHost: t\r\n\r\n'), 20);
  await node.ask('reload');
  clearInterval(flood);
  const last = client.last + 200;
  writeFileSync(until, String(last));
  await client.ended;
  assert.deepEqual(client.faults, []);
  assert.equal(client.last, last);
  client.socket.destroy();
});

it('a client that goes while its stream is moved ends its work once', async () => {
  await using node = await start();
  const clients = Array.from({ length: 60 }, () => new StreamClient(node.port, '/chunks'));
  for (const client of clients) await client.event(2);
  const reloaded = node.ask('reload');
  await node.line(/retires: reload/);
  for (const client of clients) client.socket.destroy();
  await reloaded;
  await poll(async () => (await node.status()).in_flight === 0);
  await retired(node);
  const { body } = await node.get('/metrics');
  const ended = (outcome: string): number =>
    Number(new RegExp(`kind="stream",outcome="${outcome}"} (\\d+)`).exec(body)?.[1]);
  assert.equal(ended('cancelled'), 60);
  assert.equal(ended('lost'), 0);
});

it('probes count every stream once while streams move', async () => {
  await using node = await start();
  const clients = Array.from(
    { length: 100 },
    () => new StreamClient(node.port, '/chunks?everyMs=50'),
  );
  for (const client of clients) await client.event(1);
  await poll(async () => (await node.status()).in_flight === 100);
  const counts = new Set<unknown>();
  const reloading = { over: false };
  const reloaded = node.ask('reload').finally(() => {
    reloading.over = true;
  });
  while (!reloading.over) counts.add((await node.status()).in_flight);
  await reloaded;
  assert.deepEqual([...counts], [100]);
  for (const client of clients) client.socket.destroy();
});
