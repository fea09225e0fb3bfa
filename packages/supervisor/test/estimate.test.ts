import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest } from './support/node.ts';
import { poll } from './support/poll.ts';

/** Requests take 8 to 16 s, as a service before this one has measured. */
function experience(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-'));
  const weights = [104, 106, 108, 110, 111].map((bucket) => [bucket, 200]);
  const kinds = { request: { all: { count: 1_000, weights }, labels: {} } };
  writeFileSync(join(dir, 'service.durations.json'), JSON.stringify({ version: 1, kinds }));
  return dir;
}

it('what a node does not know has the reason of the worker that does not know it', async () => {
  await using node = await NodeUnderTest.start();
  const held = node.get('/slow?ms=600000').catch(() => 'cut' as const);
  await poll(async () => {
    const { workers } = await node.status();
    return workers.some((worker) => worker.in_flight === 1);
  });
  const ask = async (path: string, method = 'GET'): Promise<Record<string, unknown>> =>
    JSON.parse((await node.get(path, { method })).body) as Record<string, unknown>;
  for (const [method, path] of [
    ['POST', '/-/shutdown/drain'],
    ['GET', '/ready'],
    ['GET', '/shutdown/status'],
  ] as const) {
    const { estimated_finish_seconds, estimate_reason } = await ask(path, method);
    assert.equal(estimated_finish_seconds, null, path);
    assert.equal(estimate_reason, 'only 0 of 20 measured durations of kind request', path);
  }
  await node.ask('stop', { quick: true });
  await held;
});

it('one estimate for the whole node in the drain call, /ready, /shutdown/status and the metrics', async () => {
  const dir = experience();
  await using node = await NodeUnderTest.start({ dir, env: { LASTCALL_RECORD_DIR: dir } });
  const held = Array.from({ length: 6 }, () =>
    node.get('/slow?ms=600000').catch(() => 'cut' as const),
  );
  await poll(async () => {
    const { workers } = await node.status();
    return workers.reduce((sum, worker) => sum + worker.in_flight, 0) === 6;
  });
  const ask = async (path: string, method = 'GET'): Promise<Record<string, unknown>> =>
    JSON.parse((await node.get(path, { method })).body) as Record<string, unknown>;
  const drained = await ask('/-/shutdown/drain', 'POST');
  const seconds = Number(drained.estimated_finish_seconds);
  // The longest of six is nearly always among the longest fifth of all, which took 15 to 16.4 s.
  assert.ok(seconds > 8 && seconds < 16.5, `${seconds}`);
  for (const path of ['/ready', '/shutdown/status']) {
    const body = await ask(path);
    assert.equal(body.status, 'shutting_down', path);
    assert.equal(body.active_streams, 6, path);
    const left = Number(body.estimated_finish_seconds);
    // It falls as time passes, or rises a little where work that should have ended has not.
    assert.ok(left <= seconds + 0.5 && left > seconds - 8, `${path}: ${left} of ${seconds}`);
    assert.equal(body.estimate_reason, null, path);
    assert.ok(Date.parse(String(body.deadline_at)) > Date.now(), path);
  }
  const metrics = (await node.get('/metrics')).body;
  const [, p90] = /^lastcall_drain_estimate_seconds\{quantile="0.9"\} (\S+)$/m.exec(metrics) ?? [];
  assert.ok(Number(p90) <= seconds + 0.5 && Number(p90) > seconds - 8, `${p90} of ${seconds}`);
  await node.ask('stop', { quick: true });
  await Promise.all(held);
});
