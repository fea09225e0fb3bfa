import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachHttp, leaseOf } from 'lastcall/http';

const LARGE = Buffer.alloc(64 * 1024 * 1024, 'x');

/** A lifecycle with a hook in each of the last phases; `ran` says which of them have ended. */
function withHooks(): { lifecycle: Lifecycle; ran: string[] } {
  const lifecycle = createLifecycle({ graceMs: 100, forceMs: 2_000 });
  const ran: string[] = [];
  const hook = (name: string) => async (): Promise<void> => {
    await sleep(20);
    ran.push(name);
  };
  lifecycle.onCheckpoint('model', hook('checkpoint'));
  lifecycle.onClose('pool', hook('close'));
  lifecycle.onFlush('logs', hook('flush'));
  return { lifecycle, ran };
}

/** Serves on `lifecycle`; `client` has asked one question and closes nothing by itself. */
async function serve(lifecycle: Lifecycle, handler: RequestListener): Promise<Socket> {
  const server = attachHttp(lifecycle, createServer(handler));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  lifecycle.ready();
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => {});
  const asked = once(server, 'request');
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await asked;
  return client;
}

test('work whose owner ignores its signal: the hooks have their time, and it is lost', async () => {
  const { lifecycle, ran } = withHooks();
  lifecycle.ready();
  lifecycle.admit({ kind: 'task' });
  const record = await lifecycle.stop({ reason: 'test' });
  assert.equal(record.failure, undefined);
  assert.deepEqual(ran, ['checkpoint', 'close', 'flush']);
  assert.equal(record.lost, 1);
  assert.equal(record.exitCode, 3);
});

for (const [when, afterMs] of [
  ['while the hooks run', 0],
  ['after the hooks', 10],
] as const)
  test(`work that ends ${when} has expired, and is not lost`, async () => {
    const { lifecycle } = withHooks();
    lifecycle.ready();
    const lease = lifecycle.admit({ kind: 'task' });
    assert.ok(lease.admitted);
    lifecycle.onFlush('last', async () => {
      await sleep(30);
      if (afterMs === 0) lease.end();
      else setTimeout(() => lease.end(), afterMs);
    });
    const record = await lifecycle.stop({ reason: 'test' });
    assert.equal(record.failure, undefined);
    assert.equal(record.lost, 0);
    assert.equal(record.outcomes.expired, 1);
    assert.equal(record.exitCode, 3);
  });

test('a client that does not read its answer: the hooks have their time', async () => {
  const { lifecycle, ran } = withHooks();
  const client = await serve(lifecycle, (_request, response) => response.end(LARGE));
  client.pause();
  const record = await lifecycle.stop({ reason: 'test' });
  client.destroy();
  assert.equal(record.failure, undefined);
  assert.deepEqual(ran, ['checkpoint', 'close', 'flush']);
  assert.equal(record.outcomes.expired, 1);
  assert.equal(record.lost, 0);
  assert.equal(record.exitCode, 3);
});

test('a client that does not close its side after the deadline: the hooks have their time', async () => {
  const { lifecycle, ran } = withHooks();
  const client = await serve(lifecycle, (request, response) => {
    leaseOf(request)?.signal.addEventListener('abort', () => response.end('cut short'));
  });
  let answer = '';
  client.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  const record = await lifecycle.stop({ reason: 'test' });
  client.destroy();
  assert.match(answer, /^HTTP\/1.1 200 [^]*cut short/);
  assert.equal(record.failure, undefined);
  assert.deepEqual(ran, ['checkpoint', 'close', 'flush']);
  assert.equal(record.outcomes.expired, 1);
  assert.equal(record.exitCode, 3);
});

test('a handler that never ends beside work that never ends: its client is told', async () => {
  const { lifecycle, ran } = withHooks();
  const client = await serve(lifecycle, () => {});
  lifecycle.admit({ kind: 'task' });
  let answer = '';
  client.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  client.on('end', () => client.end());
  const record = await lifecycle.stop({ reason: 'test' });
  client.destroy();
  assert.match(answer, /^HTTP\/1.1 503 [^]*Service is shutting down/);
  assert.equal(record.failure, undefined);
  assert.deepEqual(ran, ['checkpoint', 'close', 'flush']);
  assert.equal(record.outcomes.expired, 1);
  assert.equal(record.lost, 1);
});

test('a held drain that has cancelled: work that does not end is not waited for again', async () => {
  const { lifecycle, ran } = withHooks();
  lifecycle.ready();
  lifecycle.admit({ kind: 'task' });
  assert.deepEqual(await lifecycle.drain({ reason: 'test' }), { status: 'timeout', cancelled: 1 });
  // Its force time ends.
  await sleep(500);
  const askedMs = performance.now();
  const record = await lifecycle.stop({ reason: 'test' });
  assert.deepEqual(ran, ['checkpoint', 'close', 'flush']);
  assert.equal(record.lost, 1);
  assert.equal(record.failure, undefined);
  assert.ok(performance.now() - askedMs < 1_500);
});
