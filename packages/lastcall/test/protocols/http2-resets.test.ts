import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type Http2ServerRequest, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachHttp2, leaseOf, leaseOfStream } from 'lastcall/http2';

/** `stream`: the application answers streams and knows no requests; node:http2 then listens for no error. */
for (const event of ['request', 'stream'] as const)
  test(
    `a client that resets its stream ends the work and nothing else (${event})`,
    { timeout: 20_000 },
    async () => {
      const lifecycle = createLifecycle();
      const server = attachHttp2(lifecycle, http2.createServer());
      // Held, so that the client's reset finds it unanswered.
      const begun = once(
        server.on(event, () => {}),
        event,
      );
      await once(server.listen(0, '127.0.0.1'), 'listening');
      lifecycle.ready();
      const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const asked = client.request({ ':path': '/' }).on('error', () => {});
      const [work] = (await begun) as [Http2ServerRequest | ServerHttp2Stream];
      const lease =
        event === 'request'
          ? leaseOf(work as Http2ServerRequest)
          : leaseOfStream(work as ServerHttp2Stream);
      asked.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      await lifecycle.ledger.idle();
      assert.equal(lease?.outcome, 'cancelled');
      assert.equal(lease.cancelReason?.code, 'ERR_LASTCALL_CLIENT_GONE');

      const probe = client.request({ ':path': '/health' });
      const [headers] = (await once(probe.resume(), 'response')) as [http2.IncomingHttpHeaders];
      assert.equal(headers[':status'], 200);
      client.close();
      server.close();
    },
  );
