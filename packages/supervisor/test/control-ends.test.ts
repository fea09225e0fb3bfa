// Nothing that a client of the control socket does, or leaves undone, keeps a stopped supervisor.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeUnderTest } from './support/node.ts';
import { poll } from './support/poll.ts';

const ORPHAN = new URL('fixtures/orphan-app.ts', import.meta.url).pathname;
const ONE = { LASTCALL_WORKERS: '1' };
/** Far more than a supervisor needs to end, far less than for ever. */
const LIMIT_MS = 20_000;

/** Ends the process that the fixture leaves behind, by its pid in the log. */
async function endLeft(node: NodeUnderTest): Promise<void> {
  await node.line(/leaves pid \d+/);
  process.kill(Number(/leaves pid (\d+)/.exec(node.output)?.[1]), 'SIGKILL');
}

/** Fails when it takes as long as only what hangs takes. */
async function soon<T>(what: string, wanted: Promise<T>): Promise<T> {
  const giveUp = new AbortController();
  const late = sleep(LIMIT_MS, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error(`${what}: not within ${LIMIT_MS} ms`);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    giveUp.abort();
    late.catch(() => undefined);
  }
}

it('commands that come when the last worker has gone are answered, and the supervisor ends', async () => {
  await using node = await NodeUnderTest.start({ env: ONE, target: [ORPHAN] });
  await using _left = { [Symbol.asyncDispose]: () => endLeft(node) };
  const first = node.ask<{ exit_code: number }>('stop');
  // Its output is still held by what it has started, which the supervisor waits a second for.
  await node.line(/w1 exited with code 0/);
  const second = node.ask<{ exit_code: number }>('stop');
  const scale = assert.rejects(node.ask('scale', { workers: 2 }), /has stopped/);
  const reload = assert.rejects(node.ask('reload'), /has stopped/);
  assert.deepEqual(await soon('the first stop', first), { exit_code: 0 });
  assert.deepEqual(await soon('the second stop', second), { exit_code: 0 });
  await soon('scale', scale);
  await soon('reload', reload);
  assert.equal(await soon('the supervisor', node.exited), 0);
});

it('a client that has sent half a line does not keep the supervisor', async () => {
  await using node = await NodeUnderTest.start({ env: ONE });
  const socket = connect({ path: node.control, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.write('{"ver');
  // Answered after it: by then the half line has been read as well.
  await node.status();
  node.signal('SIGTERM');
  assert.equal(await soon('the supervisor', node.exited), 0);
  socket.destroy();
});

it('a follower of the log that does not read does not keep the supervisor', async () => {
  await using node = await NodeUnderTest.start({ env: ONE });
  const socket = connect({ path: node.control, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.pause();
  socket.write('{"verb":"logs","args":{"follow":true}}\n');
  const text = 'x'.repeat(8_000);
  for (let i = 0; i < 100; i += 1) await node.get(`/print?text=${text}`);
  node.signal('SIGTERM');
  assert.equal(await soon('the supervisor', node.exited), 0);
  socket.destroy();
});

it('a follower that falls too far behind is let go', async () => {
  await using node = await NodeUnderTest.start({ env: ONE });
  const socket = connect({ path: node.control, allowHalfOpen: true });
  const ended = once(socket, 'end');
  await once(socket, 'connect');
  socket.pause();
  socket.write('{"verb":"logs","args":{"follow":true,"lines":0}}\n');
  await node.status();
  const path = `/print?text=${'x'.repeat(15_000)}`;
  for (let i = 0; i < 25; i += 1)
    await Promise.all(Array.from({ length: 20 }, () => node.get(path)));
  await node.get('/print?text=the-last');
  await poll(async () => node.output.includes('the-last'));
  let got = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    got += chunk;
  });
  socket.resume();
  await soon('the end', ended);
  assert.ok(!got.includes('the-last'));
  assert.match(got, /not read for too long/);
  socket.destroy();
  assert.equal((await node.get('/')).status, 200);
});
