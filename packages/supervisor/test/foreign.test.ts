import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest } from './support/node.ts';
import { poll } from './support/poll.ts';

const PROGRAM = new URL('fixtures/foreign.py', import.meta.url).pathname;
const target = ['--', 'python3', PROGRAM];

it('serves any program on an inherited socket, probed over HTTP and drained by its signal', async () => {
  await using node = await NodeUnderTest.start({ target });
  assert.equal((await node.get('/')).status, 200);
  assert.equal((await node.status()).state, 'ready');
  const slow = node.get('/slow');
  await node.line(/slow begins/);
  node.signal('SIGTERM');
  assert.equal((await slow).status, 200);
  assert.equal(await node.exited, 0);
  await node.closed;
  assert.match(node.output, /^\[w1\] python has finished$/m);
});

it('reloads it: a new one must answer itself before an old one is told to go', async () => {
  await using node = await NodeUnderTest.start({ target, config: 'env:\n  APP_VERSION: one\n' });
  const slow = node.get('/slow');
  await node.line(/slow begins/);
  writeFileSync(join(node.dir, 'lastcall.yaml'), 'env:\n  APP_VERSION: two\n');
  await node.ask('reload');
  assert.equal((await slow).status, 200);
  // Programs are told by a signal, and accept until it has reached them.
  await poll(async () => (await node.status()).workers.length === 2);
  assert.match((await node.get('/')).body, / two$/m);
});

it('keeps the old ones when the new one answers its probe with an error', async () => {
  await using node = await NodeUnderTest.start({ target, config: 'env:\n  APP_VERSION: one\n' });
  writeFileSync(join(node.dir, 'lastcall.yaml'), "env:\n  APP_VERSION: two\n  APP_HEALTH: '500'\n");
  await assert.rejects(node.ask('reload'), /answered GET \/health with an error/);
  await poll(async () => (await node.status()).workers.length === 2);
  for (let i = 0; i < 10; i += 1) assert.match((await node.get('/')).body, / one$/m);
});

it('halts with code 5 and the words of a program that cannot start', async () => {
  await using node = new NodeUnderTest({
    target: ['--', 'python3', '-c', 'raise SystemExit("no model")'],
  });
  assert.equal(await node.exited, 5);
  await node.closed;
  assert.match(node.output, /boot failed: w\d exited with code 1: no model/);
});

it('drains it by its signal, and resume starts it again on the same socket', async () => {
  await using node = await NodeUnderTest.start({ target });
  await node.ask('drain');
  await node.line(/exited with code 0/, 2);
  assert.equal((await node.status()).state, 'paused');
  const waiting = node.get('/');
  await node.ask('resume');
  assert.equal((await waiting).status, 200);
});
