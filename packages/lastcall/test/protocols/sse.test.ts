import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachSse } from 'lastcall/sse';
import { startServer } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { Http2Peer } from './support/http2-peer.ts';

const REPEAT = Number(process.env.REPEAT ?? 1);
const FIXTURE = '../protocols/fixtures/sse.ts';

for (let round = 1; round <= REPEAT; round += 1) {
  test(`a stream that is work runs to its end across SIGTERM, from Last-Event-ID on (${round})`, async () => {
    await using server = await startServer(FIXTURE);
    const client = await RawClient.open(server.port);
    client.get('/count', 'Last-Event-ID: 41\r\n');
    await server.printed('working');
    server.signal('SIGTERM');
    const answer = await client.answer();
    const text = answer?.body.toString() ?? '';
    assert.equal(answer?.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.match(text, /^retry: 700\n\nid: 42\ndata: line 42\ndata: second\n\n/);
    assert.match(text, /id: 46\ndata: line 46\ndata: second\n\nevent: done\ndata: bye\n\n$/);
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 1, lost 0/);
  });

  test(`a feed is told on drain, with its own time to come back, and ended whole (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: { GRACE_MS: '120000' } });
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.open(server.port)));
    for (const client of clients) client.get('/feed');
    await server.printed(/(?:feeding[^]*){3}/);
    server.signal('SIGTERM');
    const retries = new Set<string | undefined>();
    for (const client of clients) {
      const text = (await client.answer())?.body.toString() ?? '';
      assert.match(text, /event: restart\ndata: \{"reason":"deploy"\}\n\n$/);
      retries.add(/retry: (\d+)\nevent: restart/.exec(text)?.[1]);
      assert.equal(await client.closed(), 'end');
    }
    assert.equal(retries.size, 3, 'clients come back at different times');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 3, lost 0/);
    assert.match(server.output(), /"told":3,"closed":3,"terminated":0/);
  });

  for (const h2 of [false, true])
    test(`at the deadline the final event is flushed, over HTTP/${h2 ? 2 : 1} (${round})`, async () => {
      await using server = await startServer(FIXTURE, {
        env: { GRACE_MS: '400', ...(h2 ? { H2: '1' } : {}) },
      });
      const peer = h2 ? await Http2Peer.open(server.port) : undefined;
      const client = h2 ? undefined : await RawClient.open(server.port);
      client?.get('/count?n=1000');
      const asked = peer?.ask('/count?n=1000');
      await server.printed('working');
      server.signal('SIGTERM');
      const text = (await asked)?.text ?? (await client?.answer())?.body.toString() ?? '';
      assert.match(text, /event: error\nid: last\ndata: \{"code":"ERR_LASTCALL_DEADLINE"\}\n\n$/);
      assert.equal((await server.ended).code, 3);
      assert.match(server.output(), /expired 1, lost 0/);
    });

  test(`a client that reads nothing stops the writer, and its going ends it (${round})`, async () => {
    await using server = await startServer(FIXTURE);
    const client = await RawClient.open(server.port);
    client.socket.once('data', () => client.socket.pause());
    client.get('/flood');
    const other = await RawClient.open(server.port);
    other.get('/count');
    assert.match((await other.answer())?.body.toString() ?? '', /event: done/);
    client.destroy();
    await server.printed(/flooded \d+\n/);
    const sent = Number(/flooded (\d+)/.exec(server.output())?.[1]);
    assert.ok(sent < 1_000, `${sent} events of 64 KiB were written for a client that read nothing`);
    server.signal('SIGTERM');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 1, cancelled 1, lost 0/);
  });

  test(`a silent feed has a heartbeat (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: { HEARTBEAT_MS: '100' } });
    const client = await RawClient.open(server.port);
    client.get('/feed');
    let text = '';
    await new Promise<void>((resolve) => {
      client.socket.on('data', (chunk) => {
        text += chunk.toString();
        if (/(?:\n: \n\n[^]*){2}/.test(text)) resolve();
      });
    });
    client.destroy();
  });
}

test('a stream without events has its head sent', { timeout: 10_000 }, async () => {
  const sse = attachSse(createLifecycle());
  const server = http.createServer((request, response) => void sse.open(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const [answer] = (await once(http.get({ port }), 'response')) as [IncomingMessage];
  assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8');
  answer.destroy();
  server.close();
});

test('options that cannot be are refused with a code', () => {
  const lifecycle = createLifecycle();
  assert.throws(() => attachSse(lifecycle, { heartbeatMs: -1 }), { code: 'ERR_LASTCALL_OPTION' });
  assert.throws(() => attachSse(lifecycle, { reconnectWindowMs: Number.NaN }), {
    code: 'ERR_LASTCALL_OPTION',
  });
  attachSse(lifecycle);
  assert.throws(() => attachSse(lifecycle), { code: 'ERR_LASTCALL_ATTACHED' });
});
