import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeUnderTest } from './support/node.ts';
import { poll } from './support/poll.ts';

const DRAIN = { method: 'POST' } as const;

/** Twenty fresh connections, each of which could come to another worker. */
async function refuses(node: NodeUnderTest): Promise<void> {
  for (let i = 0; i < 20; i += 1) assert.equal((await node.get('/ready')).status, 503);
}

/** An upgrade that stays with its workers on trial for long. */
async function underUpgrade(): Promise<{ node: NodeUnderTest; upgraded: Promise<unknown> }> {
  const env = { LASTCALL_PROVE_MS: '20s' };
  const node = await NodeUnderTest.start({ env, config: 'env:\n  APP_VERSION: old\n' });
  const config = 'env:\n  APP_VERSION: new\n';
  writeFileSync(join(node.dir, 'lastcall.yaml'), config);
  const upgraded = node.ask('upgrade').then(
    () => 'upgraded',
    (error: Error) => error.message,
  );
  await node.line(/w[34] is ready/, 2);
  return { node, upgraded };
}

/** Posts on fresh connections until a worker of this version has answered; others are only asked for `/`. */
async function connectionTo(node: NodeUnderTest, version: string): Promise<http.Agent> {
  for (;;) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    if ((await node.get('/', { agent })).headers['x-version'] === version) return agent;
    agent.destroy();
  }
}

for (const version of ['new', 'old'])
  it(`a drain that comes to a worker of the ${version} supervisor while one proves itself drains the node`, async () => {
    const { node, upgraded } = await underUpgrade();
    await using _ = node;
    const agent = await connectionTo(node, version);
    const reply = await node.get('/-/shutdown/drain', { ...DRAIN, agent });
    assert.equal(reply.status, 202, reply.body);
    agent.destroy();
    await refuses(node);
    assert.match(String(await upgraded), /this supervisor stays: the node began to drain/);
    await refuses(node);
    assert.equal((await node.status()).pid, node.child.pid);
    await node.ask('resume');
    await poll(async () => (await node.get('/ready')).status === 200);
    await node.ask('stop');
  });

it('an upgrade that a stop ends is answered, however long its successor takes to end', async () => {
  const { node, upgraded } = await underUpgrade();
  await using _ = node;
  const agent = await connectionTo(node, 'new');
  const end = join(node.dir, 'end');
  const stream = node.get(`/stream?until=${end}`, { agent });
  await poll(async () => (await node.status()).in_flight === 1);
  node.signal('SIGTERM');
  await node.line(/w[12] exited with code 0/, 2);
  // Longer than a node that has stopped waits for the answers to other commands.
  await sleep(2_000);
  writeFileSync(end, '');
  assert.equal((await stream).status, 200);
  agent.destroy();
  assert.match(String(await upgraded), /this supervisor stays: the node stops/);
  assert.equal(await node.exited, 0);
});

/** A request that has only begun: its connection stays where it is. */
async function begun(node: NodeUnderTest, path: string): Promise<() => Promise<string>> {
  const socket = connect(node.port, '127.0.0.1');
  socket.write(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Le`);
  await once(socket, 'connect');
  return async () => {
    socket.write('ngth: 0\r\n\r\n');
    return text(socket);
  };
}

it('a drain and its undoing that come to an older supervisor are those of the one that took over', async () => {
  // The rest of the requests that have only begun is waited for so long.
  const env = { LASTCALL_WORKERS: '1', APP_LINGER_MS: '25000' };
  await using node = await NodeUnderTest.start({ env });
  const drain = await begun(node, '/-/shutdown/drain');
  const reset = await begun(node, '/shutdown/reset');
  const end = join(node.dir, 'end');
  const stream = node.get(`/stream?until=${end}`);
  await poll(async () => (await node.status()).in_flight === 1);
  await node.ask('upgrade');
  assert.match(await drain(), /^HTTP\/1.1 202/);
  await refuses(node);
  assert.equal((await node.status()).state, 'draining');
  assert.match(await reset(), /^HTTP\/1.1 200/);
  await poll(async () => (await node.get('/ready')).status === 200);
  writeFileSync(end, '');
  assert.equal((await stream).status, 200);
  await node.exited;
  await node.ask('stop');
});
