import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLifecycle, type Lease, type Lifecycle } from 'lastcall';

function ready(recordDir?: string): Lifecycle {
  const lifecycle = createLifecycle({ recordDir });
  lifecycle.ready();
  return lifecycle;
}

/** Work that was admitted `ageMs` ago. */
function admitted(lifecycle: Lifecycle, ageMs = 0, label?: string): Lease {
  const work = { kind: 'request', ...(label === undefined ? {} : { label }) };
  const lease = lifecycle.admit(work, performance.now() - ageMs);
  assert.ok(lease.admitted);
  return lease;
}

/** Ends one piece of work of each duration from 1 to `count` times `stepMs`, long and short mixed. */
function measured(lifecycle: Lifecycle, count: number, stepMs: number, label?: string): void {
  for (let i = 0; i < count; i += 1)
    admitted(lifecycle, (((i * 617) % count) + 1) * stepMs, label).end();
}

const near = (got: number | null, wanted: number, share = 0.15): void =>
  assert.ok(got !== null && Math.abs(got - wanted) <= wanted * share, `${got}, not ${wanted}`);

test('there is no estimate, with a reason, before twenty durations were measured', () => {
  const lifecycle = ready();
  assert.equal(lifecycle.estimate.p99Ms, 0);
  measured(lifecycle, 19, 10);
  const lease = admitted(lifecycle);
  const { p90Ms, reason } = lifecycle.estimate;
  assert.equal(p90Ms, null);
  assert.match(reason ?? '', /19 of 20 .* kind request/);
  lease.end();
  assert.equal(lifecycle.estimate.p90Ms, 0, 'nothing is in flight');
});

test('quantiles follow the durations; more work in flight ends later', () => {
  const lifecycle = ready();
  measured(lifecycle, 1_000, 1);
  admitted(lifecycle);
  const { p50Ms, p90Ms, p99Ms } = lifecycle.estimate;
  near(p50Ms, 500);
  near(p90Ms, 900);
  assert.ok(p99Ms! >= p90Ms!);
  const busier = ready();
  measured(busier, 1_000, 1);
  for (let i = 0; i < 100; i += 1) admitted(busier);
  // The median of the longest of a hundred is the 0.993 quantile of one.
  near(busier.estimate.p50Ms, 993);
});

test('work that has run for long has its residual life before it, not a whole one', () => {
  const lifecycle = ready();
  for (let i = 0; i < 50; i += 1) {
    admitted(lifecycle, 10).end();
    admitted(lifecycle, 10_000).end();
  }
  admitted(lifecycle, 5_000);
  near(lifecycle.estimate.p50Ms, 5_000);
});

test('a lease far older than any that has ended has no estimate', () => {
  const lifecycle = ready();
  measured(lifecycle, 100, 1);
  admitted(lifecycle, 3_600_000);
  const { p90Ms, reason } = lifecycle.estimate;
  assert.equal(p90Ms, null);
  assert.match(reason ?? '', /far older/);
});

test('labels have durations of their own, 64 of a kind at the most', () => {
  const lifecycle = ready();
  measured(lifecycle, 50, 0.2, '/quick');
  for (let i = 0; i < 50; i += 1) admitted(lifecycle, 60_000, '/slow').end();
  for (let i = 0; i < 200; i += 1) admitted(lifecycle, 1, `/path/${i}`).end();
  assert.equal(lifecycle.ledger.tally('request').labels.size, 64);
  const lease = admitted(lifecycle, 0);
  lease.label = '/slow';
  near(lifecycle.estimate.p50Ms, 60_000);
});

test('old durations fade: after a change of pace the estimate follows', () => {
  const lifecycle = ready();
  for (let i = 0; i < 5_000; i += 1) admitted(lifecycle, 10_000).end();
  for (let i = 0; i < 5_000; i += 1) admitted(lifecycle, 100).end();
  admitted(lifecycle);
  near(lifecycle.estimate.p90Ms, 100);
});

test('ten thousand values count while the pace is the same; a change of pace drops the older ones', () => {
  const { ledger } = ready();
  const { durations } = ledger.tally('request');
  const take = (count: number, ms: number): void => {
    for (let i = 0; i < count; i += 1) durations.add(ms * (1 + ((i * 617) % 1_000) / 1_000));
  };
  take(12_000, 1_000);
  assert.ok(durations.expectedAbove(0) > 10_000, `${durations.expectedAbove(0)}`);
  near(durations.survival(1_500), 0.5, 0.05);
  take(2_000, 100);
  assert.ok(durations.survival(500) < 0.3, `${durations.survival(500)}`);
  assert.ok(durations.expectedAbove(0) < 4_000, `${durations.expectedAbove(0)}`);
});

test('durations that an earlier version has saved are both memories', () => {
  const { ledger } = ready();
  const { durations } = ledger.tally('request');
  durations.load({ count: 500, weights: [[80, 400]] });
  const { count, weights, short } = durations.save();
  assert.deepEqual([count, weights, short], [500, [[80, 400]], [[80, 400]]]);
  assert.equal(durations.survival(512), 1);
  assert.equal(durations.survival(2_048), 0);
});

test('only completed work is measured', () => {
  const lifecycle = ready();
  for (let i = 0; i < 50; i += 1) admitted(lifecycle, 5).end('failed');
  assert.equal(lifecycle.ledger.tally('request').durations.count, 0);
});

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-estimates-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

test('durations are kept over a restart', async (t) => {
  const dir = folder(t);
  const first = ready(dir);
  measured(first, 1_000, 1, '/route');
  await first.stop({ reason: 'test' });
  const second = ready(dir);
  assert.equal(second.ledger.tally('request').durations.count, 1_000);
  assert.equal(second.ledger.tally('request').labels.get('/route')?.count, 1_000);
  const lease = admitted(second, 0, '/route');
  near(second.estimate.p50Ms, 500);
  lease.end();
  await second.stop({ reason: 'test', leave: false });
});

test('a damaged file costs the estimates, not the start', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'service.durations.json'), '{"version":1,"kinds":{"request":{"all":');
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const lifecycle = ready(dir);
  assert.match((await warned).message, /durations cannot be kept/);
  await lifecycle.stop({ reason: 'test' });
  assert.ok(existsSync(join(dir, 'service.durations.json')));
});
