import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startServer } from './support/process.ts';
import { RawClient } from './support/raw-client.ts';

function recordDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-record-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

async function forcedKills(port: number): Promise<number> {
  const client = await RawClient.open(port);
  client.get('/metrics');
  const text = (await client.answer())?.body.toString() ?? '';
  client.destroy();
  return Number(/^forced_kill_count (\d+)$/m.exec(text)?.[1]);
}

test('a process killed with SIGKILL is counted by the next start', async (t) => {
  const env = { LASTCALL_RECORD_DIR: recordDir(t) };
  for (const killedBefore of [0, 1]) {
    await using server = await startServer('server.ts', { env });
    assert.equal(await forcedKills(server.port), killedBefore);
    server.signal('SIGKILL');
    await server.ended;
  }
  await using orderly = await startServer('server.ts', { env });
  assert.equal(await forcedKills(orderly.port), 2);
  orderly.signal('SIGTERM');
  await orderly.ended;
  await using last = await startServer('server.ts', { env });
  assert.equal(await forcedKills(last.port), 2, 'an orderly stop is not counted');
});

test('a process that lives is not counted; a record cut short is', async (t) => {
  const dir = recordDir(t);
  const env = { LASTCALL_RECORD_DIR: dir };
  await using living = await startServer('server.ts', { env });
  writeFileSync(join(dir, 'service-4194000.json'), '{"name":"serv');
  await using second = await startServer('server.ts', { env });
  assert.equal(await forcedKills(second.port), 1);
  assert.equal(await forcedKills(living.port), 0);
  assert.equal(readdirSync(dir).filter((file) => file.endsWith('.json')).length, 2);
});

test('a folder that cannot be used costs the record, not the service', async (t) => {
  const dir = recordDir(t);
  writeFileSync(join(dir, 'file'), '');
  await using server = await startServer('server.ts', {
    env: { LASTCALL_RECORD_DIR: join(dir, 'file', 'below') },
  });
  assert.equal(await forcedKills(server.port), 0);
  await server.printed('The kill record cannot be kept');
  server.signal('SIGTERM');
  assert.equal((await server.ended).code, 0);
});
