import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLifecycle, type FinishEstimate } from 'lastcall';

/** What is said of one piece of work that has just begun, after a start with these sketches on disk. */
function estimated(t: TestContext, all: string): FinishEstimate {
  const recordDir = mkdtempSync(join(tmpdir(), 'lastcall-durations-'));
  t.after(() => rmSync(recordDir, { recursive: true }));
  const file = `{"version":1,"kinds":{"request":{"all":${all},"labels":{}}}}`;
  writeFileSync(join(recordDir, 'service.durations.json'), file);
  const lifecycle = createLifecycle({ recordDir });
  lifecycle.ready();
  lifecycle.admit({ kind: 'request' });
  return lifecycle.estimate;
}

test('what cannot have been measured is left out of a file: nothing is said from it', (t) => {
  assert.ok(estimated(t, '{"count":500,"weights":[[80,400]]}').p90Ms! > 1_000, 'a good one');
  for (const all of [
    '{"count":null,"weights":[[80,400]]}',
    '{"weights":[[80,400]]}',
    '{"count":1e999,"weights":[[80,400]]}',
    '{"count":500,"weights":[[80,1e999]]}',
    '{"count":500,"weights":[[80,1e300]]}',
    '{"count":500,"weights":[["80",400],[-1,400],[216,400],[80,-400],[80,null]]}',
  ]) {
    const { p50Ms, p90Ms, reason } = estimated(t, all);
    assert.deepEqual([p50Ms, p90Ms], [null, null], all);
    assert.match(reason ?? '', /kind request/, all);
  }
});
