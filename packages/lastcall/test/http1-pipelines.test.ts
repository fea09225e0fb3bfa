// What is kept of a connection that pipelines, looked at inside the process.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { createLifecycle } from '../src/lifecycle/create.ts';
import type { Lifecycle } from '../src/lifecycle/lifecycle.ts';
import { attachHttp } from '../src/servers/http.ts';
import { type Connection, connectionOf } from '../src/servers/support/connection.ts';
import { afterTwoPolls } from '../src/servers/support/turns.ts';
import { RawClient } from './support/raw-client.ts';

const REQUESTS = 3_000;

interface Served {
  lifecycle: Lifecycle;
  client: RawClient;
  socket: Socket;
  connection: Connection;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A server in this process with one client on it. */
async function serve(handler: http.RequestListener): Promise<Served> {
  const lifecycle = createLifecycle({ graceMs: 120_000 });
  const server = attachHttp(lifecycle, http.createServer(handler));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  lifecycle.ready();
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const client = await RawClient.open((server.address() as AddressInfo).port);
  const [socket] = await connected;
  const connection = connectionOf(socket);
  assert.ok(connection);
  return {
    lifecycle,
    client,
    socket,
    connection,
    async [Symbol.asyncDispose]() {
      client.destroy();
      await lifecycle.stop({ reason: 'end of the test', leave: false });
    },
  };
}

const completed = ({ ledger }: Lifecycle): number => ledger.tally('request').outcomes.completed;

test('a client that always has two requests out: no answer is kept that has left', async () => {
  let [longest, handled] = [0, 0];
  let previous: http.ServerResponse | undefined;
  await using served = await serve((_, response) => {
    longest = Math.max(longest, served.connection.queued.length);
    // Each is answered when the next has been read, so that something is always owed.
    previous?.end('ok');
    previous = response;
    handled += 1;
    if (handled === REQUESTS) response.end('ok');
  });
  const { client, connection, lifecycle } = served;
  client.get('/');
  for (let sent = 1; sent <= REQUESTS; sent += 1) {
    if (sent < REQUESTS) client.get('/');
    assert.equal((await client.answer())?.status, 200);
  }
  assert.ok(longest > 0, 'the requests were not pipelined');
  assert.ok(longest <= 4, `${longest} answers were kept`);
  await new Promise<void>(afterTwoPolls);
  assert.equal(connection.pending, 0);
  assert.equal(connection.queued.length, 0);
  assert.equal(completed(lifecycle), REQUESTS, 'each request is counted once');
  assert.equal(lifecycle.inFlight, 0);
});

for (const stopping of [false, true])
  test(`a client that goes with four requests out${stopping ? ', while stopping' : ''}: each ends once, nothing waits`, async () => {
    const responses: http.ServerResponse[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    await using served = await serve((_, response) => {
      responses.push(response);
      if (responses.length === 5) resolve();
    });
    const { client, connection, lifecycle, socket } = served;
    for (let sent = 0; sent < 5; sent += 1) client.get('/');
    await all;
    // The second answer has come from behind the first to the socket when the client goes.
    responses[0]?.end('ok');
    await client.answer();
    if (stopping) void lifecycle.initiate({ reason: 'test' });
    let lowest = connection.pending;
    Object.defineProperty(
      connection,
      'pending',
      watch(lowest, (value) => {
        lowest = Math.min(lowest, value);
      }),
    );
    const lingers: number[] = [];
    connection.linger = () => void lingers.push(connection.pending);
    // A reset: at an orderly end node:http would end its own side before.
    client.socket.resetAndDestroy();
    await new Promise((closed) => {
      socket.once('close', closed);
    });
    await new Promise<void>(afterTwoPolls);
    assert.equal(lowest, 0);
    assert.equal(connection.pending, 0);
    assert.deepEqual(lingers, [], 'a connection that has gone is not waited for');
    assert.equal(completed(lifecycle), 1);
    assert.equal(lifecycle.ledger.tally('request').outcomes.cancelled, 4);
    assert.equal(lifecycle.inFlight, 0);
  });

/** A property that tells each value it is given. */
function watch(first: number, onSet: (value: number) => void): PropertyDescriptor {
  let now = first;
  return {
    get: () => now,
    set: (value: number) => {
      now = value;
      onSet(value);
    },
  };
}
