import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { behaves, http1, http1Tls } from '../suite/index.ts';
import { startServer } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

behaves('http', { fixture: 'http.ts', driver: http1 });
behaves('https', { fixture: 'http.ts', driver: http1Tls });

test('https: a handshake that ends when all else has closed is followed by an answer', async () => {
  await using server = await startServer('../adapters/fixtures/http.ts', { env: { TLS: '1' } });
  const slow = await RawClient.open(server.port, { tls: true });
  slow.get('/slow?ms=600');
  await server.printed('working');
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  server.signal('SIGTERM');
  assert.equal((await slow.answer())?.body.toString(), 'slow');
  await slow.closed();
  slow.destroy();
  await server.printed('state closing');
  const client = await RawClient.open(server.port, { tls: true, over: socket });
  client.get('/');
  assert.equal((await client.answer())?.status, 503);
  assert.equal((await server.ended).code, 0);
});
