import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Handover, openHandover, type Work } from '@lastcall/handover';
import { startPostgres, type TestPostgres } from './support/postgres.ts';
import { startWorker, type WorkerProcess } from './support/processes.ts';

let postgres: TestPostgres;
let client: Handover;
let worker: WorkerProcess | undefined;

async function kill(): Promise<void> {
  worker?.child.kill('SIGKILL');
  await worker?.exit;
  worker = undefined;
}

before(async () => {
  postgres = await startPostgres();
  client = await openHandover({ connectionString: postgres.url, node: 'client' });
});
afterEach(kill);
after(async () => {
  await client.close();
  await postgres[Symbol.asyncDispose]();
});

test('a work that moves its checkpoint on outlives any number of workers', async () => {
  const input = { to: 10_000, everyMs: 10, saveEvery: 5 };
  const id = await client.add('count', input, { maxLosses: 2 });
  for (let died = 0, from = 0; died <= 2; died += 1) {
    worker = await startWorker(postgres.url);
    let work: Work;
    do {
      await sleep(20);
      work = await client.get(id);
      assert.equal(work.error, null);
      if (work.losses < died) from = work.lastSeq;
    } while (work.losses < died || work.lastSeq < from + 10);
    from = work.lastSeq;
    // The end of the test, after the second death.
    if (died === 2) await client.cancel(id);
    await kill();
  }
  let next = 1;
  for await (const { seq } of await client.read(id)) assert.equal(seq, next++);
  const { state, losses, attempts } = await client.get(id);
  assert.deepEqual([state, attempts], ['cancelled', 0]);
  assert.ok(losses >= 2);
});

test('one that comes no further fails in the end, whatever it writes', async () => {
  const id = await client.add('stuck', null, { maxLosses: 2 });
  const stream = await client.read(id);
  for (let died = 0; died < 2; died += 1) {
    worker = await startWorker(postgres.url);
    assert.equal((await stream.next()).done, false);
    await kill();
  }
  while ((await client.get(id)).losses < 2) await sleep(20);
  const { state, error, losses } = await client.get(id);
  assert.deepEqual([state, losses], ['failed', 2]);
  assert.equal((error as { code: string }).code, 'ERR_HANDOVER_LOSSES');
  assert.equal((await stream.next()).done, true);
});
