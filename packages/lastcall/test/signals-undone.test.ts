import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServerProcess, startServer } from './support/process.ts';
import { RawClient } from './support/raw-client.ts';

/** Signals closer together than 500 ms are one. */
const BEYOND_ONE_MS = 600;

async function post(server: ServerProcess, path: string): Promise<number | undefined> {
  const client = await RawClient.open(server.port);
  client.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`);
  const answer = await client.answer();
  client.destroy();
  return answer?.status;
}

/** A server that was stopped by SIGTERM, has been told to go on, and has a slow request in flight. */
async function undone(): Promise<{ server: ServerProcess; slow: RawClient }> {
  const server = await startServer();
  const hanging = await RawClient.open(server.port);
  hanging.get('/hang');
  await server.printed('hanging');
  server.signal('SIGTERM');
  await server.printed('state draining');
  assert.equal(await post(server, '/shutdown/reset'), 200);
  await server.printed(/state draining[^]*state ready/);
  hanging.destroy();
  const slow = await RawClient.open(server.port);
  slow.get('/slow?ms=1500');
  await server.printed('working');
  return { server, slow };
}

for (const pauseMs of [BEYOND_ONE_MS, 0])
  test(`SIGTERM ${pauseMs} ms after an undone stop is a first one: the work is finished`, async () => {
    const { server, slow } = await undone();
    await using _ended = server;
    await sleep(pauseMs);
    server.signal('SIGTERM');
    assert.equal((await slow.answer())?.body.toString(), 'slow');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /lost 0/);
  });

test('SIGTERM in a drain by HTTP that follows an undone stop is a first one', async () => {
  const { server, slow } = await undone();
  await using _ended = server;
  assert.equal(await post(server, '/shutdown/initiate'), 200);
  await server.printed(/state draining[^]*state ready[^]*state draining/);
  await sleep(BEYOND_ONE_MS);
  server.signal('SIGINT');
  assert.equal((await slow.answer())?.body.toString(), 'slow');
  assert.equal((await server.ended).code, 0);
});

test('after an undone stop the second signal of the next one still cancels', async () => {
  const { server, slow } = await undone();
  await using _ended = server;
  const hanging = await RawClient.open(server.port);
  hanging.get('/hang');
  await server.printed(/(?:hanging[^]*){2}/);
  server.signal('SIGTERM');
  await server.printed(/state ready[^]*state draining/);
  await sleep(BEYOND_ONE_MS);
  server.signal('SIGTERM');
  assert.equal((await hanging.answer())?.status, 503);
  assert.equal((await server.ended).code, 4);
  slow.destroy();
});
