import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chaos } from '../../../bench/chaos/chaos.ts';
import { schedule } from '../../../bench/chaos/schedule.ts';

test('a seed repeats its schedule', () => {
  assert.deepEqual(schedule(7, 100, 2), schedule(7, 100, 2));
  assert.notDeepEqual(schedule(7, 100, 2), schedule(8, 100, 2));
});

test('six events of chaos break no promise', { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-chaos-'));
  const said: string[] = [];
  try {
    const code = await chaos({ seed: 1, events: 6, folder, say: (line) => said.push(line) });
    assert.equal(code, 0, said.join('\n'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
