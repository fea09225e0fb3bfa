import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLifecycle, type Lifecycle } from '../src/index.ts';
import { localNode } from '../src/endpoints/node.ts';

const HOUR_MS = 3_600_000;

/** A service whose jobs have taken so long. */
function experienced(...hours: number[]): Lifecycle {
  const lifecycle = createLifecycle();
  lifecycle.ready();
  for (const each of hours) {
    const lease = lifecycle.admit({ kind: 'job' }, performance.now() - each * HOUR_MS);
    assert.ok(lease.admitted);
    lease.end();
  }
  return lifecycle;
}

test('jobs of half a day are expected to take half a day', () => {
  const lifecycle = experienced(...Array.from({ length: 100 }, (_, i) => 11 + i / 50));
  const lease = lifecycle.admit({ kind: 'job' }, performance.now() - HOUR_MS);
  assert.ok(lease.admitted);
  const { p50Ms } = lifecycle.estimate;
  assert.ok(p50Ms! > 10 * HOUR_MS && p50Ms! < 12 * HOUR_MS, `${p50Ms! / HOUR_MS} h`);
  assert.ok(Math.abs(lifecycle.remainingMs(lease, 0.5)! - p50Ms!) < HOUR_MS / 2);
});

test('no bucket of the metrics holds work that took longer than it says', async () => {
  const metrics = await localNode(experienced(6, 24 * 7)).metrics();
  const at = (le: string): number =>
    Number(
      metrics
        .split('\n')
        .find((line) => line.includes(`duration_seconds_bucket{kind="job",le="${le}"}`))
        ?.split(' ')
        .at(-1),
    );
  const all = [...metrics.matchAll(/duration_seconds_bucket\{kind="job",le="([\d.]+)"\} (\d+)/g)];
  for (const [, le, count] of all)
    assert.equal(Number(count), Number(le) < 6 * 3_600 ? 0 : 1, `${le} s`);
  assert.equal(at('+Inf'), 2);
});
