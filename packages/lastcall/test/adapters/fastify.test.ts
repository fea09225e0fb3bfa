import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { behaves, behavesAsFramework, http1 } from '../suite/index.ts';
import { startServer } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

behaves('fastify', { fixture: 'fastify.ts', driver: http1 });
behavesAsFramework('fastify', { fixture: 'fastify.ts' }, { closesItself: true });

const hasV6 = networkInterfaces().lo?.some(({ address }) => address === '::1');

test(
  'fastify on localhost: the second server, on ::1, is drained too',
  { skip: hasV6 ? false : 'this machine has no ::1' },
  async () => {
    await using server = await startServer('../adapters/fixtures/fastify.ts', {
      env: { HOST: 'localhost' },
    });
    const four = await RawClient.open(server.port);
    const six = await RawClient.open(server.port, { host: '::1' });
    const idle = await RawClient.open(server.port, { host: '::1' });
    for (const client of [four, six]) client.get('/slow?ms=3000');
    await server.printed(/(?:working[^]*){2}/);
    server.signal('SIGTERM');
    await server.printed('state draining');
    idle.get('/');
    assert.equal((await idle.answer())?.status, 503);
    for (const client of [four, six]) {
      const answer = await client.answer();
      assert.equal(answer?.body.toString(), 'slow');
      assert.equal(answer.headers.get('connection'), 'close');
    }
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 2, lost 0, refused 1/);
  },
);

test("fastify's onClose hooks run when no request is left", async () => {
  await using server = await startServer('../adapters/fixtures/fastify.ts');
  const client = await RawClient.open(server.port);
  client.get('/slow?ms=300');
  await server.printed('working');
  server.signal('SIGTERM');
  assert.equal((await client.answer())?.body.toString(), 'slow');
  assert.equal((await server.ended).code, 0);
  assert.match(server.output(), /state closing\n[^]*fastify onClose\n[^]*state stopped/);
});
