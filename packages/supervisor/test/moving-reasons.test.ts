import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { WebSocket } from 'ws';
import { certificate } from '../../lastcall/test/fixtures/routes.ts';
import { NodeUnderTest } from './support/node.ts';
import { poll } from './support/poll.ts';

const ODD = new URL('./fixtures/moving-odd.ts', import.meta.url).pathname;

interface Moves {
  moved: number;
  on_their_way: number;
  stayed: Record<string, number>;
}

const movesOf = async (node: NodeUnderTest): Promise<Moves> =>
  (await node.ask<{ moves: Moves }>('status')).moves;

/** A reload, and why connections stayed; `count` of them. */
async function stayed(node: NodeUnderTest, count: number): Promise<Moves> {
  await node.ask('reload');
  await poll(async () => {
    const reasons = Object.values((await movesOf(node)).stayed);
    return reasons.reduce((sum, n) => sum + n, 0) === count;
  });
  return movesOf(node);
}

it('answers and WebSockets that cannot be moved stay, and go on, each for its own reason', async () => {
  await using node = await NodeUnderTest.start({ target: [ODD] });
  const sockets: Socket[] = [];
  const request = async (head: string, answered = true): Promise<Socket> => {
    const socket = connect(node.port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    socket.write(`${head}\r\nHost: test\r\n`);
    socket.write(head.startsWith('POST') ? 'Content-Length: 10\r\n\r\nabc' : '\r\n');
    if (answered) await once(socket, 'data');
    return socket;
  };
  for (const path of ['/state', '/no-handler']) await request(`GET ${path} HTTP/1.1`);
  await request('POST /body HTTP/1.1');
  await request('GET /head HTTP/1.1', false);
  const url = `ws://127.0.0.1:${node.port}`;
  const compressed = new WebSocket(url);
  await once(compressed, 'message');
  const owed = new WebSocket(url, { perMessageDeflate: false });
  await once(owed, 'message');
  owed.send('promise me something');
  await once(owed, 'message');
  await poll(async () => (await node.status()).in_flight === 5);

  const told = once(compressed, 'close');
  assert.deepEqual(await stayed(node, 6), {
    moved: 0,
    on_their_way: 0,
    stayed: { state: 1, 'no-handler': 1, body: 1, head: 1, compression: 1, owed: 1 },
  });
  for (const socket of sockets) assert.equal(socket.closed, false);
  assert.equal((await told)[0], 1012);
  assert.equal(owed.readyState, WebSocket.OPEN);
  assert.equal((await node.status()).in_flight, 5);
  for (const socket of sockets) socket.destroy();
  owed.terminate();
});

it('an answer over HTTP/2 stays', async () => {
  await using node = await NodeUnderTest.start({ target: [ODD], env: { APP_HTTP2: '1' } });
  const session = http2.connect(`http://127.0.0.1:${node.port}`).on('error', () => undefined);
  const stream = session.request({ ':path': '/' });
  await once(stream, 'data');
  assert.deepEqual((await stayed(node, 1)).stayed, { protocol: 1 });
  assert.equal(stream.closed, false);
  session.destroy();
});

it('an answer over TLS stays', async () => {
  const { key, cert } = certificate();
  await using node = await NodeUnderTest.start({
    target: [ODD],
    env: { APP_KEY: String(key), APP_CERT: String(cert) },
  });
  const socket = tlsConnect({ port: node.port, rejectUnauthorized: false });
  socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
  await once(socket, 'data');
  assert.deepEqual((await stayed(node, 1)).stayed, { tls: 1 });
  assert.equal(socket.closed, false);
  socket.destroy();
});

it('an answer whose client has closed its side stays, and goes on', async () => {
  await using node = await NodeUnderTest.start({ target: [ODD], env: { APP_HALF_OPEN: '1' } });
  const socket = connect({ port: node.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
  await once(socket, 'data');
  assert.deepEqual((await stayed(node, 1)).stayed, { closing: 1 });
  assert.equal(socket.readableEnded, false);
  socket.destroy();
});

it('an answer on an address that the successor does not serve stays', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'second.sock');
  await using node = await NodeUnderTest.start({
    target: [ODD],
    args: ['--listen', '127.0.0.1:0', '--listen', `unix:${path}`],
    config: `env:\n  APP_SECOND: '${path}'\n`,
  });
  const socket = connect(path);
  socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
  await once(socket, 'data');
  writeFileSync(join(node.dir, 'lastcall.yaml'), '');
  assert.deepEqual((await stayed(node, 1)).stayed, { server: 1 });
  assert.equal(socket.closed, false);
  socket.destroy();
});
