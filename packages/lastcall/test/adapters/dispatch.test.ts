// A request reaches the handlers of a node:http server as without the adapter, however they got there.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import http, { type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';

const says =
  (text: string): RequestListener =>
  (_request, response) =>
    void response.end(text);

async function listening(t: TestContext, server: Server): Promise<() => Promise<[number, string]>> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    return [answer.status, await answer.text()];
  };
}

function attached(server = http.createServer()): Server {
  const lifecycle = createLifecycle();
  attachHttp(lifecycle, server);
  lifecycle.ready();
  return server;
}

test('handlers come, are replaced, and go', async (t) => {
  const server = attached();
  const ask = await listening(t, server);
  const first = says('first');
  server.on('request', first);
  assert.deepEqual(await ask(), [200, 'first']);
  server.removeListener('request', first);
  server.on('request', says('second'));
  assert.deepEqual(await ask(), [200, 'second']);
  server.removeAllListeners('request');
  server.once('request', says('once'));
  assert.deepEqual(await ask(), [200, 'once']);
  assert.equal(server.listenerCount('request'), 0);
});

test('several handlers are called in their order, each with the server as `this`', async (t) => {
  const server = attached();
  const ask = await listening(t, server);
  const called: string[] = [];
  server.on('request', function (this: unknown) {
    called.push(`first ${this === server}`);
  });
  server.on('request', (_request, response) => response.end(String(called.push('second'))));
  server.prependListener('request', () => called.push('before'));
  assert.deepEqual(await ask(), [200, '3']);
  assert.deepEqual(called, ['before', 'first true', 'second']);
});

test('one handler has the server as `this`', async (t) => {
  const server = attached();
  const ask = await listening(t, server);
  server.on('request', function (this: unknown, _request, response) {
    response.end(String(this === server));
  });
  assert.deepEqual(await ask(), [200, 'true']);
});

test('a tracer that has wrapped `emit` sees every request', async (t) => {
  const server = http.createServer(says('hello'));
  const seen: string[] = [];
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean;
  server.emit = ((event: string, ...args: unknown[]) => {
    seen.push(event);
    return emit(event, ...args);
  }) as Server['emit'];
  const ask = await listening(t, attached(server));
  assert.deepEqual(await ask(), [200, 'hello']);
  assert.equal(seen.filter((event) => event === 'request').length, 1);
});

test('a rejection of an asynchronous handler is caught where the application has asked for that', async (t) => {
  EventEmitter.captureRejections = true;
  t.after(() => {
    EventEmitter.captureRejections = false;
  });
  const ask = await listening(
    t,
    attached(http.createServer(() => Promise.reject(new Error('broken')) as never)),
  );
  assert.deepEqual(await ask(), [500, 'Internal Server Error']);
});

/** Two requests that are read in one piece, so that nothing runs between their handlers. */
async function askTwice(t: TestContext, server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => {
    client.destroy();
    server.close();
  });
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2));
  await once(client, 'data');
}

test('a handler that is added as one runs is called for the next request', async (t) => {
  const called: string[] = [];
  const server = http.createServer((_request, response) => {
    called.push('first');
    server.once('request', () => called.push('added'));
    response.end();
  });
  await askTwice(t, attached(server));
  assert.deepEqual(called.slice(0, 3), ['first', 'first', 'added']);
});

test('a handler that takes itself away is not called again', async (t) => {
  let calls = 0;
  const server = http.createServer((_request, response) => {
    calls += 1;
    server.removeAllListeners('request');
    response.end();
  });
  await askTwice(t, attached(server));
  assert.equal(calls, 1);
});
