// How WebSockets are closed: the code and its words, over a window, behind all that was sent, and at the deadline.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLifecycle } from 'lastcall';
import { attachWs } from 'lastcall/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { startServer } from '../support/process.ts';
import { deafen } from '../support/vandals.ts';
import { upgrade } from './support/web-socket-vandals.ts';
import { WsPeer } from './support/ws-peer.ts';

const FIXTURE = '../protocols/fixtures/ws.ts';
const MIB = 1024 * 1024;
/** The time that ws itself allows from its close frame on: 30 s where nobody says so. */
const CLOSE_TIMEOUT = { closeTimeout: 1_000 };

test('with the code 1001, in words of the application', async () => {
  await using server = await startServer(FIXTURE, { env: { CODE: '1001', REASON: 'bye' } });
  const peer = await WsPeer.open(server.port);
  server.signal('SIGTERM');
  await peer.closed();
  assert.equal(peer.closing?.code, 1001);
  assert.match(peer.closing.reason, /^bye; reconnect-after-ms=\d+$/);
  assert.equal((await server.ended).code, 0);
});

test('over closeWindowMs, one part of it for each client', async () => {
  await using server = await startServer(FIXTURE, { env: { CLOSE_WINDOW_MS: '2000' } });
  const peers = await Promise.all(Array.from({ length: 4 }, () => WsPeer.open(server.port)));
  const signalMs = performance.now();
  server.signal('SIGTERM');
  // No earlier than its part begins; later on a slow machine.
  await Promise.all(
    peers.map(async (peer, i) => {
      assert.equal(await peer.closed(), 'end');
      const afterMs = performance.now() - signalMs;
      assert.ok(afterMs > i * 500, `client ${i} was closed after ${afterMs} ms`);
    }),
  );
  assert.equal((await server.ended).code, 0);
  assert.match(server.output(), /"told":4,"closed":4,"terminated":0/);
});

test('at the deadline, when a client has all the time to complete its close', async () => {
  await using server = await startServer(FIXTURE, {
    env: { GRACE_MS: '500', FORCE_MS: '500', CLOSE_MS: '120000' },
  });
  const deaf = deafen(await upgrade(server.port, '/ws'));
  server.signal('SIGTERM');
  assert.equal((await server.ended).code, 0);
  assert.match(server.output(), /"told":1,"closed":0,"terminated":1/);
  deaf.destroy();
});

test('behind all that was sent, to a client that takes longer than ws gives it for a close', async () => {
  const lifecycle = createLifecycle({ graceMs: 120_000, lingerMaxMs: 300 });
  const server = http.createServer();
  const wss = new WebSocketServer({ server, ...CLOSE_TIMEOUT });
  const peers = attachWs(lifecycle, wss);
  wss.on('connection', (socket) => socket.send(Buffer.alloc(32 * MIB)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  lifecycle.ready();
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  const received = once(client, 'message') as Promise<[Buffer]>;
  const closed = once(client, 'close') as Promise<[number]>;
  await once(client, 'open');
  client.pause();
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('draining');
  await sleep(2_500);
  client.resume();
  assert.equal((await closed)[0], 1012);
  assert.equal((await received)[0].length, 32 * MIB);
  assert.equal((await stopped).exitCode, 0);
  assert.equal(peers.counts.closed, 1);
});
