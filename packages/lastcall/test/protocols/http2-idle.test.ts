// Idle sessions close at once after their last GOAWAY.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { startServer } from '../support/process.ts';
import { Http2Peer } from './support/http2-peer.ts';
import { DATA, PING, RawHttp2 } from './support/raw-http2.ts';

const FIXTURE = '../protocols/fixtures/http2.ts';
/** Neither the linger nor the deadline comes within the time that a test may take. */
const PATIENT = { GRACE_MS: '120000', LASTCALL_LINGER_MAX_MS: '60000' };
const limits = { timeout: 40_000 };

test('cleartext: when the ping is answered', limits, async () => {
  await using server = await startServer(FIXTURE, { env: PATIENT });
  // It does not close by itself when it is told of the end, as that of node:http2 does.
  const client = await RawHttp2.open(server.port);
  client.get(1, '/');
  await client.until(() => client.has(DATA, 1));
  server.signal('SIGTERM');
  await client.until(() => client.goaways().length === 1);
  await client.until(() => client.has(PING, 0));
  const closed = once(client.socket, 'close');
  client.pong();
  await closed;
  assert.equal((await server.ended).code, 0);
});

test('over TLS: at the signal', limits, async () => {
  await using server = await startServer(FIXTURE, { env: { ...PATIENT, TLS: '1' } });
  const [used, fresh] = [
    await Http2Peer.open(server.port, true),
    await Http2Peer.open(server.port, true),
  ];
  assert.equal((await used.ask('/'))?.text, 'ok');
  server.signal('SIGTERM');
  for (const peer of [used, fresh]) assert.equal(await peer.closed(), 'end');
  assert.equal((await server.ended).code, 0);
});
