import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { attachWs } from 'lastcall/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { startServer } from '../support/process.ts';
import { upgrade } from './support/web-socket-vandals.ts';
import { WsPeer } from './support/ws-peer.ts';

const REPEAT = Number(process.env.REPEAT ?? 1);
const FIXTURE = '../protocols/fixtures/ws.ts';

for (let round = 1; round <= REPEAT; round += 1) {
  test(`idle sockets are told and closed 1012 with times to come back that differ (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: { WINDOW_MS: '4000' } });
    const peers = await Promise.all(Array.from({ length: 8 }, () => WsPeer.open(server.port)));
    server.signal('SIGTERM');
    const hints = new Set<number>();
    for (const peer of peers) {
      assert.equal(await peer.closed(), 'end');
      assert.equal(peer.closing?.code, 1012);
      const ms = Number(
        /^Service restart; reconnect-after-ms=(\d+)$/.exec(peer.closing.reason)?.[1],
      );
      assert.ok(ms >= 0 && ms <= 4_000, peer.closing.reason);
      assert.equal(peer.draining?.reconnectAfterMs, ms, 'the hook and the reason agree');
      hints.add(Math.floor(ms / 500));
    }
    assert.equal(hints.size, 8, 'one client in each eighth of the window');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /"told":8,"closed":8,"terminated":0/);
  });

  test(`a client that never completes the close handshake is cut and counted (${round})`, async () => {
    await using server = await startServer(FIXTURE, {
      env: { GRACE_MS: '120000', CLOSE_MS: '200', LASTCALL_LINGER_MAX_MS: '300' },
    });
    const deaf = (await upgrade(server.port, '/ws')).resume();
    server.signal('SIGTERM');
    await once(deaf, 'close');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /"told":1,"closed":0,"terminated":1/);
  });

  test(`garbage frames and a flood harm nobody (${round})`, async () => {
    await using server = await startServer(FIXTURE, {
      env: { CLOSE_MS: '300', LASTCALL_LINGER_MAX_MS: '300' },
    });
    const peer = await WsPeer.open(server.port);
    const garbage = (await upgrade(server.port, '/ws')).resume();
    garbage.write(Buffer.alloc(4_096, 0xff));
    const flood = (await upgrade(server.port, '/ws')).resume();
    const frame = Buffer.concat([
      Buffer.from([0x82, 0xfe, 0x40, 0, 0, 0, 0, 0]),
      Buffer.alloc(16_384),
    ]);
    const pour = (): void => {
      while (flood.writable && flood.write(frame));
    };
    flood.on('drain', pour);
    pour();
    const slow = peer.ask('/slow?ms=600');
    await server.printed('working');
    server.signal('SIGTERM');
    assert.equal((await slow)?.text, 'slow');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 1, lost 0/);
    assert.match(server.output(), /"faulty":[1-9]/);
    for (const socket of [garbage, flood]) socket.destroy();
  });

  test(`the metrics count the peers by what became of them (${round})`, async () => {
    await using server = await startServer(FIXTURE);
    const metrics = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    const peer = await WsPeer.open(server.port);
    assert.match(await metrics(), /^lastcall_open_peers\{protocol="ws"\} 1$/m);
    const garbage = (await upgrade(server.port, '/ws')).resume();
    garbage.write(Buffer.alloc(64, 0xff));
    await once(garbage.resume(), 'close');
    const after = await metrics();
    assert.match(after, /^lastcall_peers_total\{protocol="ws",ending="faulty"\} 1$/m);
    assert.match(after, /^lastcall_peers_total\{protocol="ws",ending="terminated"\} 0$/m);
    server.signal('SIGTERM');
    assert.equal(await peer.closed(), 'end');
  });

  test(`a hook that throws does not keep its socket open (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: { TELL: 'throws' } });
    const peer = await WsPeer.open(server.port);
    server.signal('SIGTERM');
    assert.equal(await peer.closed(), 'end');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /could not be told of the drain: told badly/);
  });

  test(`work past the deadline: the close reason says that it was cancelled (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: { GRACE_MS: '400' } });
    const peer = await WsPeer.open(server.port);
    void peer.ask('/hang');
    await server.printed('hanging');
    server.signal('SIGTERM');
    await peer.closed();
    assert.match(
      peer.closing?.reason ?? '',
      /^Service restart; cancelled=1; reconnect-after-ms=\d+$/,
    );
    assert.equal((await server.ended).code, 3);
  });
}

test('what cannot be attached is refused with a code', async () => {
  const lifecycle = createLifecycle();
  const wss = new WebSocketServer({ server: http.createServer() });
  attachWs(lifecycle, wss);
  assert.throws(() => attachWs(lifecycle, wss), { code: 'ERR_LASTCALL_ATTACHED' });
  assert.throws(() => attachWs(lifecycle, {} as WebSocketServer), { code: 'ERR_LASTCALL_SERVER' });
  const closed = new WebSocketServer({ noServer: true });
  closed.close();
  assert.throws(() => attachWs(lifecycle, closed), { code: 'ERR_LASTCALL_SERVER' });
  const own = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(own, 'listening');
  assert.throws(() => attachWs(lifecycle, own), { code: 'ERR_LASTCALL_LISTENING' });
  own.close();
  const other = new WebSocketServer({ noServer: true });
  for (const options of [
    { reason: 'x'.repeat(71) },
    { code: 4_000 as 1012 },
    { closeTimeoutMs: -1 },
  ])
    assert.throws(() => attachWs(lifecycle, other, options), { code: 'ERR_LASTCALL_OPTION' });
});

test('a client that went before the application took its connection holds nothing', async () => {
  const lifecycle = createLifecycle({ graceMs: 120_000 });
  const server = attachHttp(lifecycle, http.createServer());
  const wss = new WebSocketServer({ noServer: true });
  const peers = attachWs(lifecycle, wss);
  const taken = new Promise<void>((resolve) => {
    server.on('upgrade', (request, socket, head) =>
      wss.handleUpgrade(request, socket, head, (client) => {
        // As an application does that asks a database first.
        client.once('close', () => {
          wss.emit('connection', client, request);
          resolve();
        });
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  lifecycle.ready();
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  await once(client, 'open');
  client.terminate();
  await taken;
  assert.equal(peers.counts.open, 0);
  const { outcomes } = await lifecycle.stop({ reason: 'test' });
  assert.equal(outcomes.lost, 0);
});
