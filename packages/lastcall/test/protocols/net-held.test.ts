// Connections that end while the listener makes sure that it closes with nobody left in its queue.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createLifecycle, type StopRecord } from 'lastcall';
import { attachNet, type NetPeers } from 'lastcall/net';

const limits = { timeout: 20_000 };

/** Stops a server, and connects once at the moment it is closing. */
async function whileClosing(
  act: (socket: Socket) => unknown,
): Promise<{ record: StopRecord; peers: NetPeers; accepted: number; served: number }> {
  // The deadline is far behind the time that the test may take.
  const lifecycle = createLifecycle({ graceMs: 120_000 });
  let accepted = 0;
  let served = 0;
  const server = createServer((socket) => {
    served += 1;
    socket.on('data', (text) => socket.end(text));
  });
  const peers = attachNet(lifecycle, server);
  const emit = server.emit.bind(server) as (...args: unknown[]) => boolean;
  server.emit = (event: string, ...args: unknown[]): boolean => {
    if (event === 'connection') accepted += 1;
    return emit(event, ...args);
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  lifecycle.ready();
  const { port } = server.address() as AddressInfo;
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('closing');
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const gone = once(socket, 'close');
  await once(socket, 'connect');
  act(socket);
  const record = await stopped;
  await gone;
  return { record, peers, accepted, served };
}

for (const [what, act] of [
  ['ends', (socket: Socket) => socket.end().resume()],
  ['resets', (socket: Socket) => socket.resetAndDestroy()],
] as const)
  test(
    `a peer that connects to a closing server and ${what} neither holds nor ends it`,
    limits,
    async () => {
      const { record, peers, accepted, served } = await whileClosing(act);
      assert.equal(accepted, 1);
      assert.equal(served, 0, 'there was nobody to serve any more');
      assert.equal(record.exitCode, 0);
      assert.equal(peers.counts.open, 0);
      assert.equal(peers.counts.faulty, what === 'resets' ? 1 : 0);
    },
  );

test(
  'a peer that connects to a closing server, asks and ends its side has its answer',
  limits,
  async () => {
    let text = '';
    const { record, peers, served } = await whileClosing((socket) => {
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.end('still there?');
    });
    assert.equal(served, 1);
    assert.equal(text, 'still there?');
    assert.equal(record.exitCode, 0);
    assert.equal(peers.counts.open, 0);
  },
);
