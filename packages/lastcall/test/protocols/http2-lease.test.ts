import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLifecycle, currentLease } from 'lastcall';
import { attachHttp2, leaseOf } from 'lastcall/http2';
import { certificate } from '../fixtures/routes.ts';

const servers = {
  'over cleartext': () => http2.createServer(),
  'over TLS': () => http2.createSecureServer({ ...certificate(), allowHTTP1: true }),
};

for (const [how, make] of Object.entries(servers)) {
  test(`the current lease is found ${how}, and a CONNECT is one piece of work`, async (t) => {
    const lifecycle = createLifecycle();
    const server = attachHttp2(lifecycle, make(), { currentLease: true });
    server.on('request', (request: http2.Http2ServerRequest, response) => {
      void sleep(5).then(() => {
        const lease = leaseOf(request);
        response.end(lease !== undefined && currentLease() === lease ? 'found' : 'not found');
      });
    });
    server.on('connect', (_request, response: http2.Http2ServerResponse) =>
      response.end(JSON.stringify(lifecycle.ledger.inFlightByKind())),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    lifecycle.ready();
    const scheme = how === 'over TLS' ? 'https' : 'http';
    const { port } = server.address() as AddressInfo;
    const client = http2.connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
    t.after(() => {
      client.destroy();
      server.close();
    });
    const ask = async (headers: http2.OutgoingHttpHeaders): Promise<string> => {
      const stream = client.request(headers, { endStream: true });
      return (await stream.setEncoding('utf8').toArray()).join('');
    };
    assert.deepEqual(await Promise.all([ask({ ':path': '/' }), ask({ ':path': '/' })]), [
      'found',
      'found',
    ]);
    const connect = { ':method': 'CONNECT', ':authority': 'elsewhere:443' };
    assert.equal(await ask(connect), '{"request":1}');
    assert.equal(currentLease(), undefined);
  });
}

test('calls of an admin listener over HTTP/2 are no work', async (t) => {
  const lifecycle = createLifecycle();
  const server = attachHttp2(lifecycle, http2.createServer(), { admin: true });
  server.on('request', (_request, response) => response.end(String(lifecycle.inFlight)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => {
    client.destroy();
    server.close();
  });
  const stream = client.request({ ':path': '/' }).setEncoding('utf8');
  assert.equal((await stream.toArray()).join(''), '0');
});
