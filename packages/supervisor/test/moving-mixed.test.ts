import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NodeUnderTest, type Status } from './support/node.ts';
import { poll } from './support/poll.ts';
import { StreamClient } from './support/stream-client.ts';

const FAULTS = new URL('./fixtures/moving-faults.ts', import.meta.url).pathname;
const STREAMS = 20;

type MovingStatus = Status & { moves: { moved: number; stayed: Record<string, number> } };

for (const [how, times, moved] of [
  ['once', STREAMS, STREAMS],
  ['time and again', 1_000, 0],
] as const)
  it(`connections that come with each other's messages ${how}: nobody gets another's stream`, async () => {
    await using node = await NodeUnderTest.start({
      target: [FAULTS],
      env: { LASTCALL_WORKERS: '1', APP_FAULT: `mix ${times}` },
    });
    // Streams that are told apart by what they hold, too.
    const clients = Array.from(
      { length: STREAMS },
      (_, i) =>
        new StreamClient(
          node.port,
          `/chunks?from=${1 + i * 1_000_000}&last=100000000`,
          '',
          i * 1_000_000,
        ),
    );
    for (const [i, client] of clients.entries()) await client.event(i * 1_000_000 + 3);
    await node.ask('reload');
    const moves = async (): Promise<MovingStatus['moves']> =>
      (await node.ask<MovingStatus>('status')).moves;
    await poll(async () => {
      const { moved: gone, stayed } = await moves();
      return gone + (stayed['mixed-up'] ?? 0) === STREAMS;
    });
    assert.equal((await moves()).moved, moved);
    assert.equal((await node.status()).in_flight, STREAMS);
    for (const client of clients) {
      await client.event(client.last + 10);
      assert.deepEqual(client.faults, []);
      assert.equal(client.writers.length, moved > 0 ? 2 : 1);
      client.socket.destroy();
    }
  });

it('an envelope of another version is refused, and its stream stays', async () => {
  await using node = await NodeUnderTest.start({
    target: [FAULTS],
    env: { LASTCALL_WORKERS: '1', APP_FAULT: 'version' },
  });
  const client = new StreamClient(node.port, '/chunks');
  await client.event(3);
  await node.ask('reload');
  const status = (): Promise<MovingStatus> => node.ask<MovingStatus>('status');
  await poll(async () => (await status()).moves.stayed.version === 1);
  assert.equal((await status()).moves.moved, 0);
  await client.event(client.last + 10);
  assert.deepEqual(client.faults, []);
  assert.equal(client.writers.length, 1);
  client.socket.destroy();
});
