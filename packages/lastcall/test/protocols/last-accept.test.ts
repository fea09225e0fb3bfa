import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { LastAccept } from '../../src/servers/support/last-accept.ts';

test('a client that connected while the process was held up is accepted before the listener closes', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const listener = new LastAccept(server);
  let accepted = 0;
  server.on('connection', (socket) => {
    accepted += 1;
    listener.note();
    socket.destroy();
  });
  const closed = listener.close();
  const { port } = server.address() as AddressInfo;
  // Holds up this process for longer than the silence that is waited for.
  const connect = `require('net').connect(${port}, '127.0.0.1', () => setTimeout(() => process.exit(), 60))`;
  spawnSync(process.execPath, ['-e', connect]);
  await closed;
  assert.equal(accepted, 1);
  assert.equal(server.listening, false);
});
