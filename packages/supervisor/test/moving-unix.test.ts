import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest } from './support/node.ts';
import { poll } from './support/poll.ts';
import { StreamClient } from './support/stream-client.ts';

const MOVING = new URL('./fixtures/moving-app.ts', import.meta.url).pathname;

it('streams over a unix socket move as those over TCP do', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-unix-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'app.sock');
  await using node = await NodeUnderTest.start({
    target: [MOVING],
    args: ['--listen', `unix:${path}`],
  });
  const clients = Array.from(
    { length: 30 },
    (_, i) => new StreamClient(path, i % 2 === 0 ? '/sse' : '/chunks'),
  );
  for (const client of clients) await client.event(3);
  for (let reloads = 1; reloads <= 2; reloads += 1) {
    await node.ask('reload');
    await poll(async () => (await node.status()).workers.length === 2);
    const before = clients.map(({ last }) => last);
    await Promise.all(clients.map((client, i) => client.event(before[i]! + 3)));
  }
  const { moves, in_flight } = await node.ask<{
    moves: { moved: number; stayed: Record<string, number> };
    in_flight: number;
  }>('status');
  assert.equal(moves.moved, 60);
  assert.deepEqual(moves.stayed, {});
  assert.equal(in_flight, 30);
  for (const { faults, writers, socket } of clients) {
    assert.deepEqual(faults, []);
    assert.equal(writers.length, 3);
    socket.destroy();
  }
});
