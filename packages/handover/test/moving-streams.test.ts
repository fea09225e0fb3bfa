import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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
  const moved = async (): Promise<number> =>
    (await node.ask<{ moves: { moved: number } }>('status')).moves.moved;
  while ((await moved()) < 20) await sleep(20);
  await postgres.query(`select pg_notify('handover', 't moved ')`);
  await Promise.all(clients.map(({ ended }) => ended));
  for (const { last, faults } of clients) {
    assert.equal(last, 250);
    assert.deepEqual(faults, []);
  }
  assert.equal(await moved(), 20);
  for (const { socket } of clients) socket.destroy();
});
