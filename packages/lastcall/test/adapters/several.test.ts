import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

async function ask(port: number, path: string): Promise<{ status: number; body: string }> {
  const client = await RawClient.open(port);
  client.get(path);
  const answer = await client.answer();
  client.destroy();
  return { status: answer?.status ?? 0, body: answer?.body.toString() ?? '' };
}

test('several servers on one lifecycle: all drain together, the admin listener closes last', async () => {
  await using server = await startServer('../adapters/fixtures/several.ts', {
    env: { LASTCALL_METRICS_ON: 'admin' },
  });
  const [first = 0, second = 0, admin = 0] =
    /ports ([\d,]+)/.exec(server.output())?.[1]?.split(',').map(Number) ?? [];
  assert.equal((await ask(first, '/metrics')).body, 'first', 'metrics are on the admin port alone');
  assert.match((await ask(admin, '/metrics')).body, /lastcall_state\{state="ready"\} 1/);
  assert.equal((await ask(admin, '/nothing')).status, 404);

  const clients = [await RawClient.open(first), await RawClient.open(second)];
  for (const client of clients) client.get('/slow?ms=600');
  await server.printed(/(?:working[^]*){3}/);
  server.signal('SIGTERM');
  await server.printed('state draining');
  assert.equal((await ask(first, '/')).status, 503);
  assert.equal((await ask(second, '/')).status, 503);
  const bodies = await Promise.all(clients.map(async (client) => (await client.answer())?.body));
  assert.deepEqual(bodies.map(String), ['first', 'second']);

  for (const [phase, open] of [
    ['Checkpoint', 'true,true'],
    ['Close', 'false,false'],
    ['Flush', 'false,false'],
  ]) {
    await server.printed(`${phase} begins, listening ${open}`);
    assert.match((await ask(admin, '/health')).body, /"shutting_down":true/);
    assert.match((await ask(admin, '/metrics')).body, /lastcall_state\{state="closing"\} 1/);
    server.child.send('go on');
    await server.printed(`${phase} ended`);
  }
  assert.equal((await server.ended).code, 0);
  assert.match(server.output(), /completed 3, lost 0, refused 2/);
});
