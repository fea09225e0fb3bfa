import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NodeUnderTest, type Status } from './support/node.ts';
import { poll } from './support/poll.ts';
import { StreamClient } from './support/stream-client.ts';

const FAULTS = new URL('./fixtures/moving-faults.ts', import.meta.url).pathname;
const STREAMS = 40;

type MovingStatus = Status & { moves: { moved: number; stayed: Record<string, number> } };

it('a successor that is silent for a while takes the streams when it answers again', async () => {
  await using node = await NodeUnderTest.start({
    target: [FAULTS],
    env: { LASTCALL_WORKERS: '1', APP_FAULT: 'silent' },
  });
  const clients = Array.from({ length: STREAMS }, () => new StreamClient(node.port, '/sse'));
  for (const client of clients) await client.event(1);
  const reloaded = node.ask('reload');
  await node.line(/w2 is ready/);
  const successor = Number(/w2 started \(pid (\d+)/.exec(node.output)?.[1]);
  const moves = async (): Promise<MovingStatus['moves']> =>
    (await node.ask<MovingStatus>('status')).moves;
  try {
    await poll(async () => (await moves()).stayed['no-answer'] === STREAMS);
    assert.equal((await moves()).moved, 0);
  } finally {
    process.kill(successor, 'SIGCONT');
  }
  await reloaded;
  // No other worker begins to serve, so nobody tells the old one that it may try again.
  await node.line(/w1 exited with code 0/);
  assert.equal((await moves()).moved, STREAMS);
  for (const client of clients) {
    const { last } = client;
    await client.event(last + 10);
    assert.deepEqual(client.faults, []);
    assert.equal(client.writers.length, 2);
    client.socket.destroy();
  }
});
