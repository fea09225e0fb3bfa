import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type Event, type Handover, openHandover } from '@lastcall/handover';
import { createLifecycle } from 'lastcall';
import pg from 'pg';
import { startPostgres, type TestPostgres } from './support/postgres.ts';
import { startWorker } from './support/processes.ts';

let postgres: TestPostgres;
const open: Handover[] = [];

before(async () => {
  postgres = await startPostgres();
});
after(async () => {
  for (const handover of open) await handover.close();
  await postgres[Symbol.asyncDispose]();
});

const join = async (options: object = {}): Promise<Handover> => {
  const handover = await openHandover({ connectionString: postgres.url, ...options });
  open.push(handover);
  return handover;
};

async function ended(handover: Handover, id: string): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of await handover.read(id)) events.push(event);
  return events;
}

test('a failed run is charged and tried again; the last attempt fails the work', async () => {
  const a = await join();
  const tries: number[] = [];
  a.handle(
    'flaky',
    async (job) => {
      tries.push(job.attempts);
      await job.emit('try', job.attempts);
      if (job.attempts < (job.input as number)) throw new Error(`no: ${job.attempts}`);
      return 'yes';
    },
    { retryDelayMs: () => 1 },
  );
  const good = await a.add('flaky', 2);
  assert.deepEqual(
    (await ended(a, good)).map(({ data }) => data),
    [0, 1, 2],
  );
  assert.equal((await a.get(good)).state, 'completed');
  const bad = await a.add('flaky', 9, { maxAttempts: 2 });
  await ended(a, bad);
  const { state, error, attempts } = await a.get(bad);
  assert.deepEqual([state, error, attempts], ['failed', { message: 'no: 1' }, 2]);
  assert.deepEqual(tries, [0, 1, 2, 0, 1]);
});

test('the same id is added once; a work in a transaction exists when that commits', async () => {
  const a = await join();
  let runs = 0;
  a.handle('once', () => (runs += 1));
  await Promise.all(Array.from({ length: 5 }, () => a.add('once', null, { id: 'only' })));
  await ended(a, 'only');
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('begin');
  await a.add('once', null, { id: 'undone', client });
  await client.query('rollback');
  await client.query('begin');
  await a.add('once', null, { id: 'done', client });
  await client.query('commit');
  await client.end();
  await ended(a, 'done');
  await assert.rejects(a.get('undone'), { code: 'ERR_HANDOVER_UNKNOWN' });
  assert.equal(runs, 2);
});

test('cancel ends a waiting work, and reaches a running one on another worker by its signal', async () => {
  const [a, b] = [await join(), await join()];
  let reason: { code: string } | undefined;
  a.handle('endless', async (job) => {
    await job.emit('began');
    await once(job.signal, 'abort');
    reason = job.signal.reason as { code: string };
    throw reason as unknown as Error;
  });
  const running = await b.add('endless', null);
  const stream = await b.read(running);
  await stream.next();
  const waiting = await b.add('nobody', null);
  const counts = await b.counts('nobody');
  assert.deepEqual([counts.waiting, counts.running], [1, 0]);
  assert.equal(await b.cancel(waiting, 'no use'), true);
  assert.equal(await b.cancel(waiting), false);
  assert.equal(await b.cancel(running, 'enough'), true);
  assert.equal((await stream.next()).done, true);
  assert.equal(reason?.code, 'ERR_HANDOVER_CANCELLED');
  assert.equal((await a.get(running)).state, 'cancelled');
  assert.equal((await a.get(waiting)).state, 'cancelled');
});

test('a cancel survives the death of the worker', async () => {
  const first = await startWorker(postgres.url);
  const a = await join();
  const id = await a.add('stubborn', null);
  const stream = await a.read(id);
  await stream.next();
  first.child.kill('SIGSTOP');
  await a.cancel(id);
  first.child.kill('SIGKILL');
  await first.exit;
  assert.equal((await stream.next()).done, true);
  assert.equal((await a.get(id)).state, 'cancelled');
});

test('a work that kills its workers is given up after so many', async () => {
  const a = await join();
  const id = await a.add('stubborn', null, { maxLosses: 1 });
  const first = await startWorker(postgres.url);
  const stream = await a.read(id);
  await stream.next();
  first.child.kill('SIGKILL');
  await first.exit;
  assert.equal((await stream.next()).done, true);
  const { state, error } = await a.get(id);
  assert.equal(state, 'failed');
  assert.equal((error as { code: string }).code, 'ERR_HANDOVER_LOSSES');
});

test('a handler that ignores its signal does not keep its work past the deadline', async () => {
  const lifecycle = createLifecycle({ graceMs: 300, forceMs: 20_000, leaveMaxMs: 10 });
  lifecycle.ready();
  const a = await join({ lifecycle });
  const began = Promise.withResolvers<void>();
  a.handle('deaf', async (job) => {
    began.resolve();
    await job.save({ began: true });
    return new Promise(() => undefined);
  });
  const id = await a.add('deaf', null, { here: true });
  await began.promise;
  const record = await lifecycle.stop({ reason: 'test' });
  assert.equal(record.outcomes.handed_over, 1);
  assert.equal(record.outcomes.lost, 0);
  const b = await join();
  let found: unknown;
  b.handle('deaf', (job) => {
    found = job.checkpoint;
  });
  await ended(b, id);
  assert.deepEqual(found, { began: true });
  assert.deepEqual([(await b.get(id)).attempts, (await b.get(id)).losses], [0, 0]);
});

test('a resumed drain claims again', async () => {
  const lifecycle = createLifecycle({ graceMs: 10_000, leaveMaxMs: 1 });
  lifecycle.ready();
  const a = await join({ lifecycle });
  a.handle('plain', () => 1);
  void lifecycle.drain({ reason: 'test' });
  await lifecycle.when('draining');
  const id = await a.add('plain', null);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal((await a.get(id)).state, 'waiting');
  lifecycle.resume();
  await ended(a, id);
  await lifecycle.stop({ reason: 'end' });
});

test('an effect left by two runs is delivered once; in the same database exactly once', async () => {
  await postgres.query('create table bells (id text)');
  const a = await join();
  const seen: { id: string; attempts: number }[] = [];
  a.handle(
    'ring',
    async (job) => {
      await job.effect('bell', 'bell', { n: 1 });
      await job.emit('rang');
      if (job.attempts === 0) throw new Error('after the effect');
    },
    { retryDelayMs: () => 1 },
  );
  const delivered = Promise.withResolvers<void>();
  a.onEffect('bell', async ({ id, attempts }, client) => {
    await client.query('insert into bells values ($1)', [id]);
    seen.push({ id, attempts });
    if (attempts === 0) throw new Error('after the write');
    delivered.resolve();
  });
  const id = await a.add('ring', null);
  await ended(a, id);
  await delivered.promise;
  const key = `${id}:bell`;
  assert.deepEqual(seen, [
    { id: key, attempts: 0 },
    { id: key, attempts: 1 },
  ]);
  for (;;) {
    const rows = await postgres.query<{ id: string }>('select id from bells');
    if (rows.length > 0) {
      assert.deepEqual(rows, [{ id: key }]);
      break;
    }
  }
});

test('a database that is down at boot is waited for, and told', async () => {
  await using other = await startPostgres();
  await other.stop();
  const said: string[] = [];
  const told = Promise.withResolvers<void>();
  const opening = openHandover({
    connectionString: other.url,
    say: (line) => {
      said.push(line);
      told.resolve();
    },
  });
  await told.promise;
  assert.match(said[0] ?? '', /waiting for the database: .*ECONNREFUSED/);
  await other.start();
  const handover = await opening;
  assert.equal(handover.connected, true);
  assert.equal(said.at(-1), 'the database is there');
  await handover.close();
});

test('a migration from a newer version is refused, and changes nothing', async () => {
  await using other = await startPostgres();
  await (await openHandover({ connectionString: other.url })).close();
  await other.query(`insert into handover.migrations values (999, '999_later.sql')`);
  await assert.rejects(openHandover({ connectionString: other.url }), {
    code: 'ERR_HANDOVER_NEWER',
    facts: { found: 999, known: 2 },
  });
  assert.equal((await other.query('select from handover.workers')).length, 0);
});

test('wrong options and a database that does not exist are told at once', async () => {
  await assert.rejects(openHandover({ connectionString: '' }), { code: 'ERR_HANDOVER_OPTION' });
  await assert.rejects(
    openHandover({ connectionString: postgres.url, leaseMs: 3 }),
    /leaseMs.*500.*got 3/,
  );
  const missing = postgres.url.replace(/postgres$/, 'missing');
  await assert.rejects(openHandover({ connectionString: missing }), { code: '3D000' });
});
