import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaves, behavesAsFramework, http1 } from '../suite/index.ts';
import { startServer } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

for (const platform of ['express', 'fastify']) {
  const subject = { fixture: 'nest.ts', env: { PLATFORM: platform } };
  behaves(`nest on ${platform}`, { ...subject, driver: http1 });
  behavesAsFramework(`nest on ${platform}`, subject, { closesItself: true });

  for (const enabled of ['before', 'after', 'never'])
    test(`nest on ${platform}, shutdown hooks enabled ${enabled}: pools close last`, async () => {
      await using server = await startServer('../adapters/fixtures/nest.ts', {
        env: { PLATFORM: platform, SHUTDOWN_HOOKS: enabled },
      });
      const client = await RawClient.open(server.port);
      client.get('/slow?ms=500');
      await server.printed('working');
      server.signal('SIGTERM');
      assert.equal((await client.answer())?.body.toString(), 'slow');
      assert.equal((await server.ended).code, 0);
      assert.match(
        server.output(),
        /state closing\npool destroyed, state closing, 0 owed\npool before shutdown\npool shut down\nstate stopped\n/,
      );
      assert.match(server.output(), /\(SIGTERM\): completed 1, lost 0/);
    });
}
