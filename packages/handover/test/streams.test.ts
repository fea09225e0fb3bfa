import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type Event, type Handover, openHandover } from '@lastcall/handover';
import { startPostgres, type TestPostgres } from './support/postgres.ts';

let postgres: TestPostgres;
const open: Handover[] = [];

before(async () => {
  postgres = await startPostgres();
});
// What a test has told its workers to keep must not sweep away what the next one reads.
afterEach(async () => {
  for (const handover of open.splice(0)) await handover.close();
});
after(async () => {
  await postgres[Symbol.asyncDispose]();
});

const join = async (options: object = {}): Promise<Handover> => {
  const handover = await openHandover({ connectionString: postgres.url, ...options });
  open.push(handover);
  return handover;
};

async function all(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** Tells a handler in this process to go on, one step at a time. */
function gate(): { pass: () => void; wait: () => Promise<void> } {
  const waiting: (() => void)[] = [];
  let passes = 0;
  return {
    pass: () => {
      const next = waiting.shift();
      if (next) next();
      else passes += 1;
    },
    wait: () =>
      passes > 0
        ? ((passes -= 1), Promise.resolve())
        : new Promise<void>((resolve) => waiting.push(resolve)),
  };
}

test('a reader gets every event once and in order, on the owner and on another worker', async () => {
  const [a, b] = [await join(), await join()];
  a.handle('count', async (job) => {
    const { to } = job.input as { to: number };
    for (let n = 1; n <= to; n += 1) {
      const written = job.emit('n', n);
      if (n % 7 === 0) await written;
    }
    return { counted: to };
  });
  const id = await b.add('count', { to: 500 });
  const [here, there, late] = await Promise.all([
    all(await a.read(id)),
    all(await b.read(id)),
    a
      .read(id)
      .then(() => b.read(id))
      .then(all),
  ]);
  const expected = Array.from({ length: 500 }, (_, index) => ({
    seq: index + 1,
    type: 'n',
    data: index + 1,
  }));
  assert.deepEqual(here, expected);
  assert.deepEqual(there, expected);
  assert.deepEqual(late, expected);
  const work = await a.get(id);
  assert.equal(work.state, 'completed');
  assert.deepEqual(work.result, { counted: 500 });
  assert.deepEqual(await all(await b.read(id, { after: 498 })), expected.slice(498));
  assert.deepEqual(await all(await b.read(id, { after: 500 })), []);
});

test('a live tail in another process starts anywhere and misses nothing', async () => {
  const [a, b] = [await join(), await join()];
  const step = gate();
  a.handle('steps', async (job) => {
    for (let n = 1; n <= 6; n += 1) {
      await step.wait();
      await job.emit('n', n);
    }
  });
  const id = await a.add('steps', null, { here: true });
  const from0 = await b.read(id);
  step.pass();
  assert.equal((await from0.next()).value.data, 1);
  step.pass();
  step.pass();
  assert.equal((await from0.next()).value.data, 2);
  assert.equal((await from0.next()).value.data, 3);
  const from2 = all(await b.read(id, { after: 2 }));
  const gone = await b.read(id);
  assert.equal((await gone.next()).value.data, 1);
  await gone.return();
  for (let n = 0; n < 3; n += 1) step.pass();
  assert.deepEqual(
    (await from2).map(({ seq }) => seq),
    [3, 4, 5, 6],
  );
  assert.deepEqual(
    (await all(from0)).map(({ seq }) => seq),
    [4, 5, 6],
  );
});

test('a reader that is slow is not buffered for without end, and still gets all', async () => {
  const [a, b] = [await join(), await join()];
  a.handle('flood', async (job) => {
    const pad = 'x'.repeat(100);
    for (let n = 1; n <= 20_000; n += 1) {
      const written = job.emit('n', pad);
      if (n % 500 === 0) await written;
    }
  });
  const id = await a.add('flood', null, { here: true });
  const slow = await b.read(id);
  let last = 0;
  for await (const { seq } of slow) {
    assert.equal(seq, last + 1);
    last = seq;
    if (seq % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(last, 20_000);
});

test('unknown, past the end, expired: each with its status and facts', async () => {
  const a = await join();
  a.handle('short', async (job) => {
    await job.emit('n', 1);
    await job.emit('n', 2);
  });
  await assert.rejects(a.read('no such'), { code: 'ERR_HANDOVER_UNKNOWN', status: 404 });
  await assert.rejects(a.get('no such'), { code: 'ERR_HANDOVER_UNKNOWN', status: 404 });
  await assert.rejects(a.cancel('no such'), { code: 'ERR_HANDOVER_UNKNOWN', status: 404 });
  const id = await a.add('short', null, { here: true });
  await all(await a.read(id));
  await assert.rejects(a.read(id, { after: 3 }), { code: 'ERR_HANDOVER_PAST_END', status: 400 });
  await assert.rejects(a.read(id, { after: -1 }), { code: 'ERR_HANDOVER_OPTION' });
  // The sweep of a fresh worker is part of its first tick.
  const b = await join({ keepEventsMs: 1 });
  assert.ok(b.connected);
  for (;;) {
    const { firstSeq } = await a.get(id);
    if (firstSeq === 3) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await assert.rejects(a.read(id), (error: { code: string; status: number; facts: unknown }) => {
    assert.equal(error.code, 'ERR_HANDOVER_EXPIRED');
    assert.equal(error.status, 410);
    assert.deepEqual(error.facts, { id, after: 0, earliest: 3 });
    return true;
  });
  assert.deepEqual(await all(await a.read(id, { after: 2 })), []);
});

test('retention by size keeps the newest events, and of a running work what its checkpoint does not cover', async () => {
  const a = await join();
  const step = gate();
  a.handle('large', async (job) => {
    for (let n = 1; n <= 10; n += 1) await job.emit('n', 'x'.repeat(1_000));
    if ((job.input as { save: boolean }).save) await job.save({ at: 10 });
    await step.wait();
  });
  const [saved, unsaved] = [
    await a.add('large', { save: true }, { here: true }),
    await a.add('large', { save: false }, { here: true }),
  ];
  const reader = await a.read(unsaved);
  for (let n = 1; n <= 10; n += 1) assert.equal((await reader.next()).value.seq, n);
  await join({ keepEventsBytes: 3_500 });
  for (;;) {
    if ((await a.get(saved)).firstSeq > 1) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { firstSeq, lastSeq } = await a.get(saved);
  assert.deepEqual([firstSeq, lastSeq], [8, 10]);
  assert.equal((await a.get(unsaved)).firstSeq, 1);
  await assert.rejects(a.read(saved, { after: 3 }), {
    facts: { id: saved, after: 3, earliest: 8 },
  });
  step.pass();
  step.pass();
  assert.deepEqual(
    (await all(await a.read(saved, { after: 7 }))).map(({ seq }) => seq),
    [8, 9, 10],
  );
});

test('what is too large is refused before it is written', async () => {
  const a = await join({ checkpointMaxBytes: 100, eventMaxBytes: 50 });
  const errors: string[] = [];
  a.handle('big', async (job) => {
    for (const attempt of [job.save('x'.repeat(200)), job.emit('n', 'x'.repeat(200))])
      await attempt.catch((error: { code: string }) => errors.push(error.code));
    await job.emit('n', 'small');
    await job.save({ small: true });
  });
  const id = await a.add('big', null, { here: true });
  assert.deepEqual(
    (await all(await a.read(id))).map(({ data }) => data),
    ['small'],
  );
  assert.deepEqual(errors, ['ERR_HANDOVER_TOO_LARGE', 'ERR_HANDOVER_TOO_LARGE']);
});

test('one work whose data the database refuses does not fail the others of its batch', async () => {
  const a = await join();
  a.handle(
    'nul',
    async (job) => {
      await job.save((job.input as { bad: boolean }).bad ? 'a\0b' : 'fine');
      return 'saved';
    },
    { retryDelayMs: () => 1 },
  );
  const ids = await Promise.all([
    a.add('nul', { bad: true }, { here: true, maxAttempts: 1 }),
    ...Array.from({ length: 5 }, () => a.add('nul', { bad: false }, { here: true })),
  ]);
  for (const id of ids) await all(await a.read(id));
  const states = await Promise.all(ids.map(async (id) => (await a.get(id)).state));
  assert.deepEqual(states, ['failed', ...Array.from({ length: 5 }, () => 'completed')]);
});
