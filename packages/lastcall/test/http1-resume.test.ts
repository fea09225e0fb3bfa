// A drain that is undone leaves each connection as it was.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { RawClient } from './support/raw-client.ts';

const timeout = 60_000;

interface Served {
  lifecycle: Lifecycle;
  server: http.Server;
  port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

async function serve(
  handler: http.RequestListener,
  before: (lifecycle: Lifecycle) => unknown = () => {},
): Promise<Served> {
  const lifecycle = createLifecycle({ graceMs: 120_000, leaveMinMs: 5_000, lingerMaxMs: 1_000 });
  await before(lifecycle);
  const server = attachHttp(lifecycle, http.createServer(handler));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  lifecycle.ready();
  return {
    lifecycle,
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await lifecycle.stop({ reason: 'end of the test', leave: false });
    },
  };
}

test('an idle connection has its keep-alive timeout again', { timeout }, async () => {
  await using served = await serve((_, response) => response.end('ok'));
  const { server, lifecycle, port } = served;
  server.keepAliveTimeout = 200;
  const client = await RawClient.open(port);
  client.get('/');
  await client.answer();
  void lifecycle.drain({ reason: 'test' });
  lifecycle.resume();
  assert.equal(await client.closed(), 'end');
});

test('a connection without a request yet has its own timeout again', { timeout }, async () => {
  await using served = await serve((_, response) => response.end('ok'));
  const { server, lifecycle, port } = served;
  server.timeout = 12_345;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = await RawClient.open(port);
  const [socket] = await accepted;
  void lifecycle.drain({ reason: 'test' });
  assert.equal(socket.timeout, 0);
  lifecycle.resume();
  assert.equal(socket.timeout, 12_345);
  client.destroy();
});

test('a request that came meanwhile is not cut by that timeout', { timeout }, async () => {
  const responses: http.ServerResponse[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  await using served = await serve((request, response) => {
    if (request.url === '/') return void response.end('ok');
    responses.push(response);
    return resolve();
  });
  const { server, lifecycle, port } = served;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = await RawClient.open(port);
  const [socket] = await accepted;
  client.get('/');
  await client.answer();
  assert.ok(socket.timeout, 'an idle connection has a timeout');
  void lifecycle.initiate({ reason: 'test' });
  assert.equal(lifecycle.state, 'leaving');
  client.get('/slow');
  await promise;
  lifecycle.resume();
  const during = socket.timeout;
  responses[0]?.end('slow');
  const answer = await client.answer();
  client.destroy();
  assert.equal(during, 0);
  assert.equal(answer?.headers.get('connection'), 'keep-alive');
});

const requests = {
  'of HTTP/1.0': 'GET /slow HTTP/1.0\r\n\r\n',
  'with Connection: close': 'GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
};
for (const [name, request] of Object.entries(requests))
  test(`a request ${name} that was in flight still closes`, { timeout }, async () => {
    const { promise, resolve } = Promise.withResolvers<http.ServerResponse>();
    await using served = await serve((_, response) => resolve(response));
    const client = await RawClient.open(served.port);
    client.write(request);
    const response = await promise;
    void served.lifecycle.drain({ reason: 'test' });
    served.lifecycle.resume();
    response.setHeader('content-length', 4).end('slow');
    const answer = await client.answer();
    assert.equal(answer?.body.toString(), 'slow');
    assert.equal(answer?.headers.get('connection'), 'close');
    assert.equal(await client.closed(), 'end');
  });

test('a request that was in flight keeps its connection otherwise', { timeout }, async () => {
  const responses: http.ServerResponse[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  await using served = await serve((_, response) => {
    if (responses.length === 2) response.end('third');
    else if (responses.push(response) === 2) resolve();
  });
  const client = await RawClient.open(served.port);
  client.get('/');
  client.get('/');
  await promise;
  void served.lifecycle.drain({ reason: 'test' });
  served.lifecycle.resume();
  for (const response of responses) response.end('ok');
  assert.equal((await client.answer())?.headers.get('connection'), 'keep-alive');
  assert.equal((await client.answer())?.headers.get('connection'), 'keep-alive');
  client.get('/');
  assert.equal((await client.answer())?.body.toString(), 'third');
  client.destroy();
});

test(
  'a server that is attached while the lifecycle drains refuses until that is undone',
  { timeout },
  async () => {
    let handled = 0;
    await using served = await serve(
      (_, response) => {
        handled += 1;
        response.end('ok');
      },
      (lifecycle) => {
        lifecycle.ready();
        return lifecycle.drain({ reason: 'test' });
      },
    );
    const refused = await RawClient.open(served.port);
    refused.get('/');
    const answer = await refused.answer();
    assert.equal(answer?.status, 503);
    assert.equal(answer.headers.get('connection'), 'close');
    assert.equal(handled, 0);
    refused.destroy();
    served.lifecycle.resume();
    const client = await RawClient.open(served.port);
    client.get('/');
    assert.equal((await client.answer())?.status, 200);
    assert.equal(handled, 1);
    client.destroy();
  },
);

test(
  'a server that is attached while the lifecycle drains holds no stop',
  { timeout },
  async () => {
    await using served = await serve(
      (_, response) => response.end('ok'),
      (lifecycle) => {
        lifecycle.ready();
        return lifecycle.drain({ reason: 'test' });
      },
    );
    const client = await RawClient.open(served.port);
    assert.equal((await served.lifecycle.stop({ reason: 'test' })).exitCode, 0);
    assert.equal(await client.closed(), 'end');
  },
);
