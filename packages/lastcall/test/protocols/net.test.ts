import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachNet } from 'lastcall/net';
import { behaves } from '../suite/index.ts';
import { startServer } from '../support/process.ts';
import { tcp, tcpTls, TcpPeer } from './support/tcp-peer.ts';

const REPEAT = Number(process.env.REPEAT ?? 1);
const fixture = '../../protocols/fixtures/net.ts';

for (const [name, driver] of Object.entries({ net: tcp, 'net over TLS': tcpTls }))
  behaves(
    name,
    { fixture, driver },
    {
      'probes answer to the end':
        'A protocol of the user has no probes; an HTTP server on the same lifecycle answers them.',
    },
  );

for (let round = 1; round <= REPEAT; round += 1)
  test(`a peer that does not close its side is cut and counted (${round})`, async () => {
    await using server = await startServer('../protocols/fixtures/net.ts', {
      // Long enough for the other one, if a busy machine holds it up, to close its side.
      env: { GRACE_MS: '120000', CLOSE_MS: '3000' },
    });
    const deaf = net.connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    deaf.on('error', () => {}).resume();
    await once(deaf, 'connect');
    const peer = await TcpPeer.open(server.port);
    assert.equal((await peer.ask('/'))?.text, 'ok');
    server.signal('SIGTERM');
    assert.equal(await peer.closed(), 'end');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /"told":2,"closed":1,"terminated":1/);
    deaf.destroy();
  });

test('what cannot be attached is refused with a code', async () => {
  const lifecycle = createLifecycle();
  const server = net.createServer();
  attachNet(lifecycle, server);
  assert.throws(() => attachNet(lifecycle, server), { code: 'ERR_LASTCALL_ATTACHED' });
  assert.throws(() => attachNet(lifecycle, {} as net.Server), { code: 'ERR_LASTCALL_SERVER' });
  const listening = net.createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  assert.throws(() => attachNet(lifecycle, listening), { code: 'ERR_LASTCALL_LISTENING' });
  listening.close();
  assert.throws(() => attachNet(lifecycle, net.createServer(), { lingerMs: -1 }), {
    code: 'ERR_LASTCALL_OPTION',
  });
});
