// An upgrade that is refused because the service drains.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n0123456789';
const timeout = 60_000;

for (const undone of [false, true])
  test(
    `a client that stays after a refused upgrade is closed: ${undone ? 'drain undone' : 'stop'}`,
    { timeout },
    async () => {
      const lifecycle = createLifecycle({ graceMs: 120_000, lingerMaxMs: 1_000 });
      const server = attachHttp(lifecycle, http.createServer());
      server.on('upgrade', () => assert.fail('the upgrade was not refused'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      lifecycle.ready();
      await lifecycle.drain({ reason: 'test' });

      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const { port } = server.address() as AddressInfo;
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      let answer = '';
      client.setEncoding('latin1').on('data', (text: string) => {
        answer += text;
      });
      client.on('error', () => {});
      client.write(UPGRADE);
      const [socket] = await accepted;
      const closed = once(socket, 'close');
      await once(client, 'end');
      assert.match(answer, /^HTTP\/1\.1 503 [^]*Retry-After: [^]*\{"detail":"[^"]+"\}$/);

      // Its bytes go on, and its side stays open.
      client.write('0123456789');
      if (undone) lifecycle.resume();
      else assert.equal((await lifecycle.stop({ reason: 'test' })).exitCode, 0);
      await closed;
      client.destroy();
      await lifecycle.stop({ reason: 'end of the test', leave: false });
    },
  );
