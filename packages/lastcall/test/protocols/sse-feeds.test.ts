// Streams at the end of a stop: what a handler hears, and a feed that nobody reads.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { attachSse, type SseOptions, type SseStream, type SseStreams } from 'lastcall/sse';
import { RawClient } from '../support/raw-client.ts';
import { deafen } from '../support/vandals.ts';

const MIB = 1024 * 1024;
const limits = { timeout: 30_000 };

/** A server whose every answer is a stream, and a client that has asked for one. */
async function streamTo(
  lifecycle: Lifecycle,
  options: SseOptions,
  feed: boolean,
): Promise<{ stream: SseStream; sse: SseStreams; client: RawClient }> {
  const sse = attachSse(lifecycle, options);
  const opened = Promise.withResolvers<SseStream>();
  const server = attachHttp(
    lifecycle,
    http.createServer((request, response) => opened.resolve(sse.open(request, response, { feed }))),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  lifecycle.ready();
  const client = await RawClient.open((server.address() as AddressInfo).port);
  client.get('/');
  return { stream: await opened.promise, sse, client };
}

test(
  'the signal of a stream aborts at the deadline, and its handler has the last word',
  limits,
  async () => {
    const lifecycle = createLifecycle({ graceMs: 200 });
    const { stream, client } = await streamTo(lifecycle, {}, false);
    assert.equal(stream.signal, stream.lease?.signal);
    const aborted = once(stream.signal!, 'abort');
    const stopped = lifecycle.stop({ reason: 'test' });
    await aborted;
    assert.equal(stream.lease?.cancelReason?.code, 'ERR_LASTCALL_DEADLINE');
    stream.end({ event: 'sorry', data: 'no time' });
    assert.equal((await client.answer())?.body.toString(), 'event: sorry\ndata: no time\n\n');
    assert.equal((await stopped).outcomes.expired, 1);
  },
);

test('a feed whose client does not read its end is cut and counted', limits, async () => {
  const lifecycle = createLifecycle({ graceMs: 120_000 });
  const { stream, sse, client } = await streamTo(lifecycle, { closeTimeoutMs: 200 }, true);
  deafen(client.socket);
  void stream.send({ data: 'x'.repeat(32 * MIB) });
  const { lost } = await lifecycle.stop({ reason: 'test' });
  assert.equal(lost, 0);
  assert.equal(sse.counts.terminated, 1);
  assert.equal(sse.counts.open, 0);
  client.destroy();
});
