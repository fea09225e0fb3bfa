import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NodeUnderTest, type Status } from './support/node.ts';
import { isAlive, poll } from './support/poll.ts';
import { StreamClient } from './support/stream-client.ts';

const MOVING = new URL('./fixtures/moving-app.ts', import.meta.url).pathname;
const STREAMS = 60;

type MovingStatus = Status & {
  moves: { moved: number; on_their_way: number; stayed: Record<string, number> };
};

const status = (node: NodeUnderTest): Promise<MovingStatus> => node.ask<MovingStatus>('status');

function open(node: NodeUnderTest): StreamClient[] {
  return Array.from(
    { length: STREAMS },
    (_, i) => new StreamClient(node.port, i % 2 === 0 ? '/sse' : '/chunks'),
  );
}

it('open streams go to the workers of the supervisor that takes over, each event once', async () => {
  await using node = await NodeUnderTest.start({ target: [MOVING] });
  const clients = open(node);
  for (const client of clients) await client.event(3);
  const pinned = new StreamClient(node.port, '/chunks', 'GET /pid HTTP/1.1\r\nHo');
  await pinned.event(3);
  await node.ask('upgrade');
  await poll(async () => (await status(node)).moves.moved === STREAMS);
  assert.equal((await status(node)).in_flight, STREAMS + 1);
  // The counts of the older supervisor come with its last word, after the stream that stayed.
  pinned.socket.destroy();
  await node.exited;
  await poll(async () => (await status(node)).moves.stayed.pipelined === 1);
  const after = await status(node);
  assert.deepEqual(after.moves, { moved: STREAMS, on_their_way: 0, stayed: { pipelined: 1 } });
  assert.equal(after.in_flight, STREAMS);
  assert.equal(after.killed_leases, 0);
  // And once more by an ordinary reload of the new one.
  await node.ask('reload');
  await poll(async () => (await status(node)).moves.moved === 2 * STREAMS);
  for (const client of clients) {
    const { last } = client;
    await client.event(last + 10);
    assert.deepEqual(client.faults, []);
    assert.equal(client.writers.length, 3);
    client.socket.destroy();
  }
  const { body } = await node.get('/metrics');
  assert.match(body, new RegExp(`lastcall_moved_total ${2 * STREAMS}\\n`));
  assert.match(body, /lastcall_stayed_total\{reason="pipelined"\} 1\n/);
  await node.ask('stop', { quick: true });
});

it('a supervisor that is killed as it takes streams over leaves those it had not with the older one', async () => {
  // Those of event streams are taken at once, the others are offered and never taken.
  await using node = await NodeUnderTest.start({ target: [MOVING], env: { APP_THAW: 'never' } });
  const clients = open(node);
  for (const client of clients) await client.event(3);
  const upgraded = node.ask('upgrade').catch(() => undefined);
  await node.line(/stops: upgraded/);
  const successor = Number(/successor \(pid (\d+)/.exec(node.output)?.[1]);
  await poll(async () => (await status(node)).moves.moved === STREAMS / 2);
  process.kill(successor, 'SIGKILL');
  await upgraded;
  await poll(async () => !isAlive(successor));
  // Each goes on where it is: with a worker of either supervisor, which drains.
  for (const [i, client] of clients.entries()) {
    const { last } = client;
    await client.event(last + 10);
    assert.deepEqual(client.faults, []);
    assert.equal(client.writers.length, i % 2 === 0 ? 2 : 1);
    client.socket.destroy();
  }
  assert.equal(await node.exited, 0);
});
