import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeUnderTest } from '../../supervisor/test/support/node.ts';
import { StreamClient } from '../../supervisor/test/support/stream-client.ts';
import { startPostgres } from './support/postgres.ts';

const APP = new URL('./support/streaming-app.ts', import.meta.url).pathname;

test('event streams of works move with their connections, and the works are handed over', async () => {
  await using postgres = await startPostgres();
  await using node = await NodeUnderTest.start({
    target: [APP],
    env: { DATABASE_URL: postgres.url },
  });
  const clients = Array.from({ length: 20 }, () => new StreamClient(node.port, '/?to=250'));
  for (const client of clients) await client.event(3);
  await node.ask('reload');
  await Promise.all(clients.map(({ ended }) => ended));
  for (const { last, faults } of clients) {
    assert.equal(last, 250);
    assert.deepEqual(faults, []);
  }
  const { moves } = await node.ask<{ moves: { moved: number } }>('status');
  assert.equal(moves.moved, 20);
  for (const { socket } of clients) socket.destroy();
});
