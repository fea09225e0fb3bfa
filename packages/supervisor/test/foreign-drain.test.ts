import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest, type Reply, request } from './support/node.ts';
import { poll } from './support/poll.ts';

const PROGRAM = new URL('fixtures/foreign.py', import.meta.url).pathname;
const target = ['--', 'python3', PROGRAM];

function waitOn({ output }: NodeUnderTest): Promise<Reply> {
  const port = Number(/admin listener on [^ ]*:(\d+)/.exec(output)?.[1]);
  return request({
    host: '127.0.0.1',
    port,
    path: '/shutdown/wait',
    method: 'POST',
    agent: false,
  });
}

it('a wait for programs that tell nothing of themselves ends with the last of them', async () => {
  await using node = await NodeUnderTest.start({ target, args: ['--admin', '127.0.0.1:0'] });
  const slow = node.get('/slow');
  await node.line(/slow begins/);
  const { status, body } = await waitOn(node);
  assert.deepEqual((await node.status()).workers, []);
  assert.equal(status, 200);
  assert.match(body, /"completed"/);
  assert.equal((await slow).status, 200);
  await node.ask('stop');
});

it('a wait says so when one of them had to be killed', async () => {
  const args = ['--admin', '127.0.0.1:0', '--grace-ms', '10', '--kill-margin-ms', '10'];
  await using node = await NodeUnderTest.start({ target, args });
  const cut = assert.rejects(node.get('/slow?s=60'));
  await node.line(/slow begins/);
  assert.match((await waitOn(node)).body, /"timeout"/);
  await cut;
  await node.ask('stop');
});

it('a drain of such programs is undone neither by a reload nor by an upgrade', async () => {
  await using node = await NodeUnderTest.start({ target });
  await node.ask('drain');
  await node.line(/exited with code 0/, 2);
  await assert.rejects(node.ask('reload'), /The node drains/);
  await assert.rejects(node.ask('upgrade'), /the node drains; resume it first/);
  writeFileSync(join(node.dir, 'lastcall.yaml'), 'env:\n  APP_VERSION: two\n');
  node.signal('SIGHUP');
  await node.line(/reload \(SIGHUP\) waits for resume/);
  assert.deepEqual((await node.status()).workers, []);
  await node.ask('resume');
  await poll(async () => {
    const { generation, workers } = await node.status();
    return generation === 2 && workers.length === 2;
  });
  assert.match((await node.get('/')).body, / two$/m);
  await node.ask('stop');
});
