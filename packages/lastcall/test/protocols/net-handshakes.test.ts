// TLS handshakes under way when a server of raw connections closes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import tls from 'node:tls';
import { test } from 'node:test';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachNet } from 'lastcall/net';
import { certificate } from '../fixtures/routes.ts';

const limits = { timeout: 30_000 };
const GRACE_MS = 120_000;

async function serve(lifecycle: Lifecycle): Promise<number> {
  const server = tls.createServer(certificate(), (socket) => {
    socket.on('data', (text) => socket.write(text));
  });
  attachNet(lifecycle, server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  lifecycle.ready();
  return (server.address() as AddressInfo).port;
}

test('one that ends when the listener has closed is followed by an answer', limits, async () => {
  const lifecycle = createLifecycle({ graceMs: GRACE_MS });
  const port = await serve(lifecycle);
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('closing');
  // The listener has closed when it refuses.
  for (let listens = true; listens;)
    listens = await new Promise<boolean>((resolve) => {
      const probe = connect(port, '127.0.0.1', () => resolve(true));
      probe.on('error', () => resolve(false)).on('connect', () => probe.destroy());
    });
  const client = tls.connect({ socket, rejectUnauthorized: false });
  await once(client, 'secureConnect');
  client.write('still there?');
  assert.equal(String((await once(client, 'data'))[0]), 'still there?');
  const ended = once(client.resume(), 'end');
  await ended;
  assert.equal((await stopped).exitCode, 0);
});

test('one that never ends holds the stop for lingerMaxMs at the most', limits, async () => {
  const lifecycle = createLifecycle({ graceMs: GRACE_MS, lingerMaxMs: 500 });
  const silent = connect(await serve(lifecycle), '127.0.0.1');
  silent.on('error', () => {}).resume();
  await once(silent, 'connect');
  assert.equal((await lifecycle.stop({ reason: 'test' })).exitCode, 0);
  silent.destroy();
});
