import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';

it('an upgrade whose process cannot be made at all fails, and the supervisor stays', async (t) => {
  // A Node of its own, whose folder can become something else: what it runs on has gone then.
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'bin'));
  copyFileSync(process.env.LASTCALL_TEST_NODE ?? process.execPath, join(dir, 'bin/node'));
  process.env.LASTCALL_TEST_NODE = join(dir, 'bin/node');
  const { NodeUnderTest } = await import('./support/node.ts');
  await using node = await NodeUnderTest.start();
  renameSync(join(dir, 'bin'), join(dir, 'old'));
  writeFileSync(join(dir, 'bin'), '');
  node.signal('SIGUSR2');
  await node.line(/upgrade failed, this supervisor stays: .*ENOTDIR/);
  assert.equal((await node.status()).last_upgrade?.ok, false);
  await assert.rejects(node.ask('upgrade'), /this supervisor stays: .*ENOTDIR/);
  assert.equal((await node.status()).pid, node.child.pid);
  assert.equal((await node.get('/')).status, 200);
  await node.ask('stop');
});
