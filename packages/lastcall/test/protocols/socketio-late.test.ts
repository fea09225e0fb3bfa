// A socket that connects on a connection which is being told of the drain was asked in: what it sends is answered.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachSocketIo } from 'lastcall/socketio';
import { Server } from 'socket.io';
import { WebSocket } from 'ws';

const [OPEN, PING, PONG, CONNECT, EVENT] = ['0', '2', '3', '40', '42'] as const;

test('work of a socket that connects behind the ping is answered before the close', async (t) => {
  const lifecycle = createLifecycle();
  const server = createServer();
  const io = new Server(server);
  attachSocketIo(lifecycle, io, { closeWindowMs: 0 });
  io.on('connection', (socket) =>
    socket.on('work', () => {
      socket.emit('answer');
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  lifecycle.ready();
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  t.after(() => {
    client.terminate();
    server.close();
  });
  const heard: string[] = [];
  let asked = false;
  client.on('message', (data: Buffer) => {
    const packet = data.toString();
    heard.push(packet);
    if (packet.startsWith(OPEN)) void lifecycle.drain({ reason: 'test' });
    // The first ping finds the client about to connect to its namespace.
    if (packet === PING) {
      if (!asked) client.send(CONNECT);
      asked = true;
      client.send(PONG);
    }
    if (packet.startsWith(CONNECT)) client.send(`${EVENT}["work"]`);
  });
  await once(client, 'close');
  assert.ok(
    heard.some((packet) => packet.startsWith(CONNECT)),
    heard.join('\n'),
  );
  assert.ok(heard.includes(`${EVENT}["answer"]`), heard.join('\n'));
});
