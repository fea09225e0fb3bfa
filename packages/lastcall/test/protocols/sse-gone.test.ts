// Event streams whose client has gone, or whose time is over, before the handler opens them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { test } from 'node:test';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachHttp, leaseOf } from 'lastcall/http';
import { attachHttp2 } from 'lastcall/http2';
import { attachSse, type SseStream, type SseStreams } from 'lastcall/sse';
import { RawClient } from '../support/raw-client.ts';
import { Http2Peer } from './support/http2-peer.ts';

const limits = { timeout: 20_000 };

interface Service {
  lifecycle: Lifecycle;
  sse: SseStreams;
  port: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse, sse: SseStreams) => unknown;

async function serve(h2: boolean, handler: Handler, graceMs = 120_000): Promise<Service> {
  const lifecycle = createLifecycle({ graceMs });
  const sse = attachSse(lifecycle);
  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    void handler(request, response, sse);
  const server: Server = h2
    ? attachHttp2(lifecycle, http2.createServer(listener as never))
    : attachHttp(lifecycle, http.createServer(listener));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  lifecycle.ready();
  return { lifecycle, sse, port: (server.address() as AddressInfo).port };
}

/** Asks for `/` and says how to cut the connection. */
async function ask(h2: boolean, port: number): Promise<{ destroy: () => void }> {
  if (h2) {
    const peer = await Http2Peer.open(port);
    void peer.ask('/');
    return peer;
  }
  const client = await RawClient.open(port);
  client.get('/');
  return client;
}

for (const h2 of [false, true])
  for (const feed of [false, true])
    test(
      `a ${feed ? 'feed' : 'stream'} whose client went first is ended when it is opened, over HTTP/${h2 ? 2 : 1}`,
      limits,
      async () => {
        const asked = Promise.withResolvers<void>();
        const opened = Promise.withResolvers<SseStream>();
        const { lifecycle, sse, port } = await serve(h2, async (request, response, streams) => {
          const closed = once(response, 'close');
          asked.resolve();
          await closed;
          opened.resolve(streams.open(request, response, { feed }));
        });
        const client = await ask(h2, port);
        await asked.promise;
        client.destroy();
        const stream = await opened.promise;
        assert.equal(stream.ended, true);
        assert.equal(await stream.send({ data: 'nobody reads it' }), false);
        assert.equal(await stream.comment('nor this'), false);
        stream.end({ data: 'last' });
        const flushed = new Promise<boolean>((resolve) => stream.onClose(resolve));
        assert.equal(await flushed, false);
        assert.equal(sse.counts.open, 0);
        // The time that it may take is the test's own limit, and the deadline is far behind it.
        const record = await lifecycle.stop({ reason: 'test' });
        assert.equal(record.exitCode, 0);
      },
    );

test('a feed that waits behind another answer ends with its connection', limits, async () => {
  const first = Promise.withResolvers<SseStream>();
  const second = Promise.withResolvers<SseStream>();
  const { lifecycle, sse, port } = await serve(false, (request, response, streams) =>
    (request.url === '/1' ? first : second).resolve(
      streams.open(request, response, { feed: true }),
    ),
  );
  const client = await RawClient.open(port);
  client.get('/1');
  client.get('/2');
  const waiting = await second.promise;
  const kept = (async () => {
    while (await waiting.send({ data: 'x'.repeat(65_536) }));
  })();
  assert.equal(sse.counts.open, 2);
  client.destroy();
  await kept;
  assert.equal(waiting.ended, true);
  assert.equal(sse.counts.open, 0);
  assert.equal((await lifecycle.stop({ reason: 'test' })).exitCode, 0);
});

for (const h2 of [false, true])
  test(
    `a stream that is opened after the deadline has its final event, over HTTP/${h2 ? 2 : 1}`,
    limits,
    async () => {
      const { lifecycle, port } = await serve(
        h2,
        async (request, response, streams) => {
          const stopped = lifecycle.stop({ reason: 'test' });
          await lifecycle.when('cancelling');
          assert.equal(leaseOf(request)?.cancelReason?.code, 'ERR_LASTCALL_DEADLINE');
          const stream = streams.open(request, response, {
            onCancel: ({ code }) => ({ event: 'error', data: { code } }),
          });
          assert.equal(await stream.send({ data: 'first' }), true);
          assert.equal(await stream.send({ data: 'too late' }), false);
          await stopped;
        },
        100,
      );
      const peer = h2 ? await Http2Peer.open(port) : undefined;
      const client = h2 ? undefined : await RawClient.open(port);
      client?.get('/');
      const text = (await peer?.ask('/'))?.text ?? (await client?.answer())?.body.toString();
      assert.equal(text, 'data: first\n\nevent: error\ndata: {"code":"ERR_LASTCALL_DEADLINE"}\n\n');
      assert.equal((await lifecycle.stopped).exitCode, 3);
    },
  );

test('a last event that cannot be written leaves the stream open for another', limits, async () => {
  const { lifecycle, port } = await serve(false, (request, response, streams) => {
    const stream = streams.open(request, response);
    assert.throws(() => stream.end({ id: 'two\nlines' }), { code: 'ERR_LASTCALL_OPTION' });
    assert.equal(stream.ended, false);
    stream.end({ data: 'sorry' });
  });
  const client = await RawClient.open(port);
  client.get('/');
  assert.equal((await client.answer())?.body.toString(), 'data: sorry\n\n');
  assert.equal((await lifecycle.stop({ reason: 'test' })).exitCode, 0);
});
