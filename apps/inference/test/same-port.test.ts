import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addTask, untilTask } from './support/client.ts';
import { startService } from './support/service.ts';
import { dataFolder, isAlive } from './support/temp.ts';

test(
  'a PostgreSQL that another service starts again is where it was, for all that used it',
  { timeout: 120_000 },
  async () => {
    await using folder = dataFolder();
    const env = { LASTCALL_DATA_DIR: folder.path, MODEL_TOKENS_PER_SECOND: '1000' };
    await using first = await startService(env);
    await using held = await startService(env);
    // PostgreSQL is nobody's child then: one that is killed is gone at once, whoever is held up.
    await first.end('SIGKILL');
    const postgres = folder.postmaster() ?? 0;
    // It cannot see what happens now.
    held.child.kill('SIGSTOP');
    process.kill(postgres, 'SIGKILL');
    while (isAlive(postgres)) await sleep(10);
    await using second = await startService(env);
    held.child.kill('SIGCONT');

    const { id } = await addTask(second.url, { input: 'The harbour', max_output_tokens: 3 });
    await untilTask(second.url, id, 'done');
    await held.printed(/the database connection is lost/);
    while ((await fetch(`${held.url}/ready`)).status !== 200) await sleep(20);
    await untilTask(held.url, id, 'done');
    assert.equal(await second.end('SIGTERM'), 0, second.output());
    assert.equal(await held.end('SIGTERM'), 0, held.output());
  },
);
