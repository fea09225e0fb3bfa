// What a web framework adds to the behaviours: its error path, its body parsers, its own close.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { keepAliveClient, newAccount, startLoad } from '../support/load.ts';
import { startServer } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import type { Subject } from './behaves.ts';

/** Runs them against a fixture with the routes `/obedient` and `/current`. */
export function behavesAsFramework(
  name: string,
  { fixture, env = {} }: Pick<Subject, 'fixture' | 'env'>,
  { closesItself = false } = {},
): void {
  const start = (more: Record<string, string> = {}): ReturnType<typeof startServer> =>
    startServer(`../adapters/fixtures/${fixture}`, { env: { ...env, ...more } });

  suite(`${name} as a framework`, () => {
    test('an error thrown because the signal aborted is answered with 503', async () => {
      await using server = await start({ GRACE_MS: '300', LASTCALL_RETRY_AFTER_MS: '3000' });
      const client = await RawClient.open(server.port);
      client.get('/obedient');
      await server.printed('hanging');
      server.signal('SIGTERM');
      const answer = await client.answer();
      assert.equal(answer?.status, 503);
      assert.equal(answer.headers.get('retry-after'), '3');
      assert.match(server.output(), /aborted ERR_LASTCALL_DEADLINE/);
      assert.equal((await server.ended).code, 3);
      assert.match(server.output(), /expired 1, lost 0/);
    });

    test('the current lease is found without threading it through, after a body was read', async () => {
      await using server = await start({ CURRENT_LEASE: '1' });
      const client = await RawClient.open(server.port);
      const body = JSON.stringify({ text: 'x'.repeat(1_000) });
      for (let i = 0; i < 3; i += 1) {
        client.write(
          `POST /current HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
        );
        // The rest comes as an event of the connection, which was there before the request.
        await new Promise((resolve) => setTimeout(resolve, 20));
        client.write(body);
        assert.equal((await client.answer())?.body.toString(), 'found');
      }
      client.destroy();
    });

    if (!closesItself) return;
    test("the application's own close cuts nothing", async () => {
      await using server = await start();
      const slow = await RawClient.open(server.port);
      slow.get('/slow?ms=400');
      await server.printed('working');
      const account = newAccount();
      const { done } = await startLoad(16, (warm) =>
        keepAliveClient(server.port, account, () => 0, warm),
      );
      account.stopping = true;
      server.child.send('close');
      assert.equal((await slow.answer())?.body.toString(), 'slow');
      await done;
      assert.equal(account.lost, 0);
      assert.equal((await server.ended).code, 0);
      assert.match(server.output(), /close\(\)\): completed \d+, lost 0/);
    });
  });
}
