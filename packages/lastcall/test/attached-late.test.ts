import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { test } from 'node:test';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { attachNet } from 'lastcall/net';
import { RawClient } from './support/raw-client.ts';

const GRACE_MS = 8_000;

/** Attaches a server and listens; its handler says 200. */
async function serveLate(lifecycle: Lifecycle): Promise<{ server: Server; port: number }> {
  const server = attachHttp(
    lifecycle,
    createServer((_request, response) => response.end('served')),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function ask(port: number): Promise<{ status: number | undefined; close: boolean }> {
  const client = await RawClient.open(port);
  client.get('/');
  const answer = await client.answer();
  client.destroy();
  return { status: answer?.status, close: answer?.headers.get('connection') === 'close' };
}

test('a server attached while leaving serves, then refuses, and does not hold the stop', async () => {
  const lifecycle = createLifecycle({ leaveMinMs: 5_000, graceMs: GRACE_MS });
  lifecycle.ready();
  const job = lifecycle.admit({ kind: 'job' });
  const stopped = lifecycle.stop({ reason: 'test' });
  assert.equal(lifecycle.state, 'leaving');
  const { server, port } = await serveLate(lifecycle);
  const idle = await RawClient.open(port);
  assert.deepEqual(await ask(port), { status: 200, close: true });
  // It need not leave any longer.
  void lifecycle.drain({ reason: 'test' });
  await lifecycle.when('draining');
  assert.deepEqual(await ask(port), { status: 503, close: true });
  assert.ok(job.admitted && job.end());
  const record = await stopped;
  assert.equal(await idle.closed(), 'end');
  assert.equal(server.listening, false);
  assert.equal(record.exitCode, 0);
  assert.ok(record.durationMs < GRACE_MS, `it took ${record.durationMs} ms`);
});

test('a server attached while draining refuses, and does not hold the stop', async () => {
  const lifecycle = createLifecycle({ graceMs: GRACE_MS });
  lifecycle.ready();
  const job = lifecycle.admit({ kind: 'job' });
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('draining');
  const { server, port } = await serveLate(lifecycle);
  const idle = await RawClient.open(port);
  assert.deepEqual(await ask(port), { status: 503, close: true });
  assert.ok(job.admitted && job.end());
  const record = await stopped;
  assert.equal(await idle.closed(), 'end');
  assert.equal(server.listening, false);
  assert.equal(record.exitCode, 0);
  assert.equal(record.refused, 1);
  assert.ok(record.durationMs < GRACE_MS, `it took ${record.durationMs} ms`);
});

test('a server attached while cancelling refuses, and is closed', async () => {
  const lifecycle = createLifecycle({ graceMs: 50, forceMs: 4_000 });
  lifecycle.ready();
  const job = lifecycle.admit({ kind: 'job' });
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('cancelling');
  const { server, port } = await serveLate(lifecycle);
  assert.deepEqual(await ask(port), { status: 503, close: true });
  assert.ok(job.admitted && job.end());
  assert.equal((await stopped).failure, undefined);
  assert.equal(server.listening, false);
});

test('a server attached by a close hook refuses, and is closed with the last', async () => {
  const lifecycle = createLifecycle();
  lifecycle.ready();
  const late = Promise.withResolvers<Server>();
  lifecycle.onClose('late', async () => {
    const { server, port } = await serveLate(lifecycle);
    late.resolve(server);
    assert.deepEqual(await ask(port), { status: 503, close: true });
  });
  const record = await lifecycle.stop({ reason: 'test' });
  assert.equal(record.failure, undefined);
  assert.equal((await late.promise).listening, false);
  assert.ok(record.durationMs < GRACE_MS, `it took ${record.durationMs} ms`);
});

test('peers of a server attached while draining are told and closed', async () => {
  const lifecycle = createLifecycle({ graceMs: GRACE_MS });
  lifecycle.ready();
  const job = lifecycle.admit({ kind: 'job' });
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('draining');
  const server = createNetServer();
  const peers = attachNet(lifecycle, server, { tell: (socket) => socket.write('bye\n') });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = await RawClient.open((server.address() as AddressInfo).port);
  assert.equal(String(await once(client.socket, 'data')), 'bye\n');
  client.socket.resume();
  assert.equal(await client.closed(), 'end');
  assert.ok(job.admitted && job.end());
  const record = await stopped;
  assert.equal(peers.counts.told, 1);
  assert.equal(record.exitCode, 0);
  assert.ok(record.durationMs < GRACE_MS, `it took ${record.durationMs} ms`);
});

test('a server attached while leaving takes work again when the stop is undone', async () => {
  const lifecycle = createLifecycle({ leaveMinMs: 60_000, leaveMaxMs: 60_000, graceMs: 90_000 });
  lifecycle.ready();
  const stop = lifecycle.initiate({ reason: 'test' });
  const { port } = await serveLate(lifecycle);
  assert.equal(lifecycle.resume(), true);
  assert.deepEqual(await stop, { status: 'undone' });
  assert.deepEqual(await ask(port), { status: 200, close: false });
  await lifecycle.stop({ reason: 'test', leave: false });
});

test('a stop that is undone before the servers are told leaves them as they were', async () => {
  const lifecycle = createLifecycle({ graceMs: GRACE_MS });
  const { port } = await serveLate(lifecycle);
  lifecycle.ready();
  const given = Promise.withResolvers<void>();
  void lifecycle.stop({ reason: 'test', first: () => given.promise });
  assert.equal(lifecycle.resume(), true);
  given.resolve();
  assert.deepEqual(await ask(port), { status: 200, close: false });
  await lifecycle.stop({ reason: 'test' });
});
