import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Handler, type Handover, type Work, openHandover } from '@lastcall/handover';
import { startPostgres, type TestPostgres } from './support/postgres.ts';

let postgres: TestPostgres;
let a: Handover;
before(async () => {
  postgres = await startPostgres();
  a = await openHandover({ connectionString: postgres.url });
});
after(async () => {
  await a.close();
  await postgres[Symbol.asyncDispose]();
});

/** Runs a handler once, and what became of the work. */
async function run(kind: string, handler: Handler, maxAttempts = 1): Promise<Work> {
  a.handle(kind, handler, { retryDelayMs: () => 1 });
  const id = await a.add(kind, null, { here: true, maxAttempts });
  for await (const _ of await a.read(id));
  return a.get(id);
}
const timeout = 20_000;

test(
  'a save that is refused with events before it fails the run, and is charged',
  { timeout },
  async () => {
    const work = await run('save', async (job) => {
      void job.emit('n', 1);
      await job.save('a\0b');
    });
    assert.deepEqual([work.state, work.attempts, work.lastSeq], ['failed', 1, 0]);
  },
);

test('what was written behind a refused write is refused with it', { timeout }, async () => {
  const codes: string[] = [];
  const work = await run('behind', async (job) => {
    const saved = job.save('a\0b');
    // The first batch is on its way when this is written.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await saved.catch(() => undefined);
    const writes = [job.emit('n', 1), job.save('c\0d'), job.emit('n', 2)];
    for (const write of writes)
      await write.catch((error: { code: string }) => codes.push(error.code));
    assert.equal(await job.emit('n', 3), 1);
    return 'went on';
  });
  assert.deepEqual([work.state, work.lastSeq], ['completed', 1]);
  assert.deepEqual(
    codes,
    Array.from({ length: 3 }, () => 'ERR_HANDOVER_DATABASE'),
  );
});

test('a result that is refused fails the run', { timeout }, async () => {
  const work = await run('result', async (job) => {
    void job.emit('n', 1);
    return 'a\0b';
  });
  assert.deepEqual([work.state, work.attempts], ['failed', 1]);
});

test('an effect that is refused fails the run', { timeout }, async () => {
  const work = await run('effect', async (job) => {
    void job.emit('n', 1);
    await job.effect('one', 'bell', { text: 'a\0b' });
  });
  assert.deepEqual([work.state, work.attempts], ['failed', 1]);
});

test('a result that is no JSON fails its run, and holds up no other', { timeout }, async (t) => {
  const timer = setTimeout(() => undefined, 3_600_000);
  t.after(() => clearTimeout(timer));
  a.handle('other', async (job) => {
    await job.emit('n', 1);
    return 'fine';
  });
  const [circular, other] = await Promise.all([
    run('circular', () => ({ timer })),
    a.add('other', null, { here: true }),
  ]);
  assert.deepEqual([circular.state, circular.attempts], ['failed', 1]);
  for await (const _ of await a.read(other));
  assert.equal((await a.get(other)).state, 'completed');
  const effect = await run('circular effect', (job) => job.effect('one', 'bell', { timer }));
  assert.equal(effect.state, 'failed');
  const facts = await run('circular facts', () => {
    throw Object.assign(new Error('its facts\0 \ud800'), { toJSON: () => ({ timer }) });
  });
  assert.equal(facts.state, 'failed');
});

test('a delay that is none does not keep a failed run from its next', { timeout }, async () => {
  for (const [kind, retryDelayMs] of Object.entries({
    NaN: () => NaN,
    throws: () => {
      throw new Error('no delay');
    },
  })) {
    a.handle(
      kind,
      (job) => {
        if (job.attempts === 0) throw new Error('once');
      },
      { retryDelayMs },
    );
    const id = await a.add(kind, null, { here: true });
    for await (const _ of await a.read(id));
    assert.equal((await a.get(id)).state, 'completed');
  }
  a.handle('never', () => Promise.reject(new Error('once')), { retryDelayMs: () => Infinity });
  const id = await a.add('never', null, { here: true });
  while ((await a.get(id)).attempts === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await a.get(id)).state, 'waiting');
});
