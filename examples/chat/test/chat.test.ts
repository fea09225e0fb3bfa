import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NodeUnderTest } from '../../../packages/supervisor/test/support/node.ts';
import { visit } from '../people.ts';

const SERVER = new URL('../server.ts', import.meta.url).pathname;

interface Moves {
  moves: { moved: number; on_their_way: number; stayed: Record<string, number> };
}

it('nobody is disconnected and each message comes once while the chat is reloaded', async () => {
  await using node = await NodeUnderTest.start({ target: [SERVER] });
  const [people, reloads] = [50, 3];
  const account = await visit({
    port: node.port,
    people,
    reloads,
    reload: () => node.ask('reload'),
  });
  const { said, ...faults } = account;
  assert.deepEqual(faults, { disconnected: 0, missing: 0, repeated: 0 });
  assert.ok(said > 20, `${said} messages`);
  await node.line(/exited with code 0/, 2 * reloads);
  const { moves } = await node.ask<Moves>('status');
  assert.deepEqual(moves, { moved: people * reloads, on_their_way: 0, stayed: {} });
});
