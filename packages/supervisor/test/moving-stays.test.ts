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

const start = (
  options: { env?: Record<string, string>; config?: string } = {},
): Promise<NodeUnderTest> => NodeUnderTest.start({ target: [MOVING], ...options });

const status = (node: NodeUnderTest): Promise<MovingStatus> => node.ask<MovingStatus>('status');

/** Every worker of an older generation has gone. */
async function retired(node: NodeUnderTest): Promise<void> {
  await poll(async () => (await node.status()).workers.every(({ phase }) => phase !== 'retiring'));
}

/** Lets the streams end a little later, all at the same number, which is returned. */
function endAll(clients: readonly StreamClient[], until: string): number {
  const last = Math.max(...clients.map((client) => client.last)) + 200;
  writeFileSync(until, String(last));
  return last;
}

it('requests that were sent behind a stream stay with it, and are answered', async () => {
  await using node = await start();
  const half = 'GET /pid HTTP/1.1\r\nHo';
  const until = join(node.dir, 'until');
  const clients = [`${half}st: test\r\n\r\n`, half].map(
    (behind) => new StreamClient(node.port, `/chunks?until=${until}`, behind),
  );
  for (const client of clients) await client.event(3);
  await node.ask('reload');
  clients[1]?.socket.write('st: test\r\n\r\n');
  const last = endAll(clients, until);
  for (const client of clients) {
    await client.when(() => /\d+ 1\n/.test(client.after));
    assert.equal(client.last, last);
    assert.equal(client.writers.length, 1);
    assert.deepEqual(client.faults, []);
    client.socket.destroy();
  }
  assert.deepEqual((await status(node)).moves, {
    moved: 0,
    on_their_way: 0,
    stayed: { pipelined: 2 },
  });
});

it('a client that does not read keeps its worker, and loses nothing', async () => {
  await using node = await start();
  const slow = new StreamClient(node.port, '/chunks?bytes=9000&everyMs=1');
  const quick = new StreamClient(node.port, '/chunks');
  await slow.event(3);
  slow.socket.pause();
  // The kernel's buffers have to be full first.
  await quick.event(500);
  await node.ask('reload');
  await poll(async () => (await status(node)).moves.moved === 1);
  await poll(async () => (await status(node)).moves.stayed.full === 1);
  slow.socket.resume();
  await slow.event(3_000);
  assert.equal(slow.writers.length, 1);
  assert.deepEqual([...slow.faults, ...quick.faults], []);
  quick.socket.destroy();
  slow.socket.destroy();
});

it('a successor that cannot take the state refuses, and the stream stays', async () => {
  const config = (env: string): string => `env:\n  APP_VERSION: '1'\n${env}`;
  await using node = await start({ config: config('') });
  const until = join(node.dir, 'until');
  // Of another version, thrown at, and too large.
  const clients = ['/sse?', '/chunks?', '/chunks?bytes=2000&'].map(
    (path) => new StreamClient(node.port, `${path}until=${until}`),
  );
  for (const client of clients) await client.event(3);
  writeFileSync(
    join(node.dir, 'lastcall.yaml'),
    config("  APP_STATE_VERSION: '2'\n  APP_THAW: throw\n"),
  );
  await node.ask('reload');
  await poll(async () => {
    const reasons = Object.values((await status(node)).moves.stayed);
    return reasons.reduce((sum, count) => sum + count, 0) === clients.length;
  });
  const last = endAll(clients, until);
  for (const client of clients) {
    await client.ended;
    assert.equal(client.last, last);
    assert.equal(client.writers.length, 1);
    assert.deepEqual(client.faults, []);
    client.socket.destroy();
  }
  await retired(node);
  assert.deepEqual((await status(node)).moves, {
    moved: 0,
    on_their_way: 0,
    stayed: { version: 1, thaw: 1, 'state-size': 1 },
  });
});
