import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest, request, type Reply } from './support/node.ts';
import { poll } from './support/poll.ts';

const FASTIFY = new URL('fixtures/fastify-app.ts', import.meta.url).pathname;

/** Asks until both workers have answered, each at least once; returns all answers. */
async function fromBoth(node: NodeUnderTest, path: string, method = 'GET'): Promise<Reply[]> {
  return Promise.all(Array.from({ length: 12 }, () => node.get(path, { method })));
}

it('counts, readiness and metrics are those of all workers, whoever is asked', async () => {
  await using node = await NodeUnderTest.start();
  const end = join(node.dir, 'end');
  const streams = Array.from({ length: 6 }, () => node.get(`/stream?until=${end}`));
  await poll(async () => (await node.status()).in_flight === 6);
  for (const { body } of await fromBoth(node, '/v1/streams/active-count'))
    assert.deepEqual(JSON.parse(body), { active_streams: 6 });
  for (const { body } of await fromBoth(node, '/metrics'))
    assert.match(body, /in_flight_requests\{kind="stream"\} 6/);
  writeFileSync(end, '');
  await Promise.all(streams);
});

it('the uptime is that of the node, whoever is asked and however young', async () => {
  await using node = await NodeUnderTest.start();
  await node.ask('reload');
  const { uptime_seconds: before } = await node.ask<{ uptime_seconds: number }>('status');
  for (const { body } of await fromBoth(node, '/v1/health'))
    assert.ok((JSON.parse(body) as { uptime_seconds: number }).uptime_seconds >= before);
});

it('one drain of the node drains every worker, and reset undoes it', async () => {
  await using node = await NodeUnderTest.start();
  const drained = await node.get('/-/shutdown/drain', { method: 'POST' });
  assert.equal(drained.status, 202);
  for (const { status } of await fromBoth(node, '/ready')) assert.equal(status, 503);
  for (const { status } of await fromBoth(node, '/')) assert.equal(status, 503);
  const reset = await node.get('/shutdown/reset', { method: 'POST' });
  assert.equal((JSON.parse(reset.body) as { was_shutting_down: boolean }).was_shutting_down, true);
  for (const { status } of await fromBoth(node, '/')) assert.equal(status, 200);
});

it('/shutdown/wait answers when the last stream of any worker has ended', async () => {
  await using node = await NodeUnderTest.start();
  const ends = Array.from({ length: 6 }, (_, i) => join(node.dir, `end${i}`));
  const streams = ends.map((end) => node.get(`/stream?until=${end}`));
  await poll(async () => (await node.status()).in_flight === 6);
  let answered = false;
  const waiting = node.get('/shutdown/wait').finally(() => (answered = true));
  await poll(async () => (await node.status()).state === 'draining');
  for (const end of ends.slice(1)) writeFileSync(end, '');
  await Promise.all(streams.slice(1));
  assert.equal(answered, false, 'one stream is left');
  writeFileSync(ends[0]!, '');
  const wait = await waiting;
  assert.equal((JSON.parse(wait.body) as { status: string }).status, 'completed');
  assert.equal((await node.status()).in_flight, 0);
  await Promise.all(streams);
});

it('totals never fall when workers are replaced or killed', async () => {
  await using node = await NodeUnderTest.start();
  await Promise.all(Array.from({ length: 30 }, () => node.get('/')));
  await node.ask('reload');
  await Promise.all(Array.from({ length: 10 }, () => node.get('/')));
  await poll(async () => {
    const { body } = await node.get('/metrics');
    return body.includes('lastcall_work_total{kind="request",outcome="completed"} 40');
  });
});

it('the admin listener answers for the node until the very end', async () => {
  await using node = await NodeUnderTest.start({ args: ['--admin', '127.0.0.1:0'] });
  const port = Number(/admin listener on [^:]+:(\d+)/.exec(node.output)?.[1]);
  const admin = (path: string, method = 'GET'): Promise<Reply> =>
    request({ host: '127.0.0.1', port, path, method, agent: false });
  assert.equal((await admin('/ready')).status, 200);
  assert.equal((await admin('/nothing')).status, 404);
  const end = join(node.dir, 'end');
  const stream = node.get(`/stream?until=${end}`);
  await poll(async () => (await node.status()).in_flight === 1);
  node.signal('SIGTERM');
  await node.line(/stops: SIGTERM/);
  assert.equal((await admin('/ready')).status, 503);
  assert.match((await admin('/metrics')).body, /in_flight_requests\{kind="stream"\} 1/);
  writeFileSync(end, '');
  assert.equal((await stream).status, 200);
  await node.exited;
});

it('drain and resume by command, for the whole node', async () => {
  await using node = await NodeUnderTest.start();
  await node.ask('drain');
  assert.equal((await node.status()).state, 'draining');
  await assert.rejects(node.ask('reload'), /Resume it first/);
  for (const { status } of await fromBoth(node, '/')) assert.equal(status, 503);
  await node.ask('resume');
  for (const { status } of await fromBoth(node, '/')) assert.equal(status, 200);
});

it('a burst of connections is shared out among the workers', async () => {
  await using node = await NodeUnderTest.start();
  const replies = await Promise.all(Array.from({ length: 40 }, () => node.get('/slow?ms=500')));
  const byWorker = Map.groupBy(replies, ({ headers }) => headers['x-worker']);
  const counts = [...byWorker.values()].map((share) => share.length);
  assert.ok(counts.length === 2 && Math.min(...counts) >= 10, `shares: ${counts.join(', ')}`);
});

it('resume replaces workers whose drain is past undoing', async () => {
  await using node = await NodeUnderTest.start({ env: { GRACEFUL_SHUTDOWN_TIMEOUT: '0.5' } });
  const cut = node.get('/slow?ms=60000').catch(() => undefined);
  await poll(async () => (await node.status()).in_flight === 1);
  await node.ask('drain');
  await poll(async () => (await node.status()).in_flight === 0 || /cancel/.test(node.output));
  await cut;
  await node.ask('resume');
  await poll(async () => (await node.get('/').catch(() => undefined))?.status === 200);
  await node.line(/is ready/, 3);
});

it('Fastify listens on the inherited socket, and knows its address', async () => {
  await using node = await NodeUnderTest.start({ target: [FASTIFY] });
  assert.equal((await node.get('/')).body, 'hello\n');
  await node.line(new RegExp(`listens at http://127.0.0.1:${node.port}`), 2);
  await node.ask('reload');
  assert.equal((await node.get('/')).status, 200);
});
