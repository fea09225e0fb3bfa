// The lock of a journal between processes, some of which are killed while they hold it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { folder } from '../support/place.ts';

const JOURNAL = new URL('../../src/node/journal.ts', import.meta.url).href;

/** Counts up a file in two steps, which only one may be in; `last`: dies in the middle of its last turn. */
const program = (dir: string, turns: number, last: boolean): string => `
  import { readFileSync, writeFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { Journal } from '${JOURNAL}';
  const journal = new Journal('${dir}/state');
  for (let i = 1; i <= ${turns}; i += 1)
    await journal.locked(async () => {
      const count = Number(readFileSync('${dir}/count', 'utf8'));
      await sleep(2);
      writeFileSync('${dir}/count', String(count + 1));
      if (${last} && i === ${turns}) process.kill(process.pid, 'SIGKILL');
    });`;

test('one at a time, whoever dies with the lock in hand, and nothing is left over', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'count'), '0');
  const run = async (last: boolean): Promise<unknown[]> => {
    const child = spawn(
      process.execPath,
      ['--input-type=module-typescript', '-e', program(dir, 15, last)],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    return once(child, 'exit');
  };
  const ends = await Promise.all([true, false, true, false, true, false].map(run));
  assert.deepEqual(
    ends.map(([code, signal]) => code ?? signal),
    ['SIGKILL', 0, 'SIGKILL', 0, 'SIGKILL', 0],
  );
  assert.equal(Number(readFileSync(join(dir, 'count'), 'utf8')), 6 * 15);
  await run(false);
  assert.deepEqual(readdirSync(join(dir, 'state')), []);
});
