// A worker whose supervisor has gone speaks for itself until it ends.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest, type Reply, request } from './support/node.ts';
import { isAlive, poll } from './support/poll.ts';

const limits = { timeout: 30_000 };

interface Orphan {
  node: NodeUnderTest;
  /** A request that keeps the worker busy, until it is told to end. */
  slow: Promise<Reply>;
  end: () => void;
  /** A request on a connection that was open before. */
  ask: (path: string, method?: string) => Promise<Reply>;
}

async function busyNode(): Promise<Orphan> {
  // With two workers a new connection could go to the one that has nothing left to do.
  const node = await NodeUnderTest.start({ env: { LASTCALL_WORKERS: '1' } });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (path: string, method = 'GET'): Promise<Reply> =>
    request({ host: '127.0.0.1', port: node.port, path, method, agent });
  assert.equal((await ask('/health')).status, 200);
  const until = join(node.dir, 'end');
  const slow = node.get(`/stream?until=${until}`);
  await poll(async () => (await node.status()).in_flight === 1);
  return { node, slow, end: () => writeFileSync(until, ''), ask };
}

it('answers its probes while it finishes its work', limits, async () => {
  const { node, slow, end, ask } = await busyNode();
  await using _ = node;
  node.signal('SIGKILL');
  await node.exited;
  // The death of the supervisor reaches the worker a moment after it reaches this process.
  await poll(async () => (await ask('/ready')).status === 503);
  const health = await ask('/health');
  assert.equal(health.status, 200);
  assert.match(health.body, /"shutting_down":true,"active_streams":1/);
  assert.match((await node.get('/shutdown/status')).body, /"shutting_down".*"active_streams":1/);
  assert.equal((await node.get('/v1/health')).status, 200);
  end();
  assert.equal((await slow).status, 200);
});

it('answers what the supervisor was asked and can no longer say', limits, async () => {
  const { node, slow, end, ask } = await busyNode();
  await using _ = node;
  node.signal('SIGSTOP');
  const probes = [ask('/health'), node.get('/ready'), node.get('/shutdown/status')];
  const waits = node.get('/shutdown/wait');
  const reset = request({
    host: '127.0.0.1',
    port: node.port,
    path: '/shutdown/reset',
    method: 'POST',
    agent: false,
  });
  // The worker has taken them: this answer of its own came after them.
  assert.equal((await node.get('/')).status, 200);
  node.signal('SIGKILL');
  const statuses = (await Promise.all(probes)).map(({ status }) => status);
  assert.deepEqual(statuses, [200, 503, 503]);
  const undo = await reset;
  assert.equal(undo.status, 409, undo.body);
  end();
  assert.equal((await slow).status, 200);
  const waited = await waits;
  assert.equal(waited.status, 200);
  assert.match(waited.body, /"completed"/);
});

it('goes at once when its supervisor went while it was loading', limits, async () => {
  const late = new URL('fixtures/late-app.ts', import.meta.url).pathname;
  await using node = new NodeUnderTest({ target: [late], env: { LASTCALL_WORKERS: '1' } });
  await node.line(/loading/);
  const pid = Number(/started \(pid (\d+)/.exec(node.output)?.[1]);
  assert.ok(isAlive(pid));
  node.signal('SIGKILL');
  await poll(async () => !isAlive(pid));
});
