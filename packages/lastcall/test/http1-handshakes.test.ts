// A TLS connection that says nothing. The grace is far longer than the test: a hang is a timeout.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { certificate } from './fixtures/routes.ts';
import { startServer } from './support/process.ts';

const GRACE_MS = 120_000;
const env = { TLS: '1', GRACE_MS: String(GRACE_MS), LASTCALL_LINGER_MAX_MS: '1000' };
const timeout = 60_000;

async function silent(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

for (const file of ['../adapters/fixtures/http.ts', '../protocols/fixtures/http2.ts'])
  test(
    `a connection without a TLS handshake does not hold the exit: ${file}`,
    { timeout },
    async () => {
      await using server = await startServer(file, { env });
      const socket = await silent(server.port);
      server.signal('SIGTERM');
      assert.equal((await server.ended).code, 0);
      socket.destroy();
    },
  );

test('nor does it hold a worker whose siblings serve on', { timeout }, async () => {
  const lifecycle = createLifecycle({ graceMs: GRACE_MS, lingerMaxMs: 1_000 });
  const server = attachHttp(
    lifecycle,
    https.createServer(certificate(), (_, r) => r.end('ok')),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  lifecycle.ready();
  const accepted = once(server, 'connection');
  const socket = await silent((server.address() as AddressInfo).port);
  await accepted;
  const record = await lifecycle.stop({ reason: 'test', siblings: true });
  assert.equal(record.exitCode, 0);
  socket.destroy();
});
