import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Event, type Handover, openHandover } from '@lastcall/handover';
import { createLifecycle } from 'lastcall';
import pg from 'pg';
import { startPostgres, type TestPostgres, untilWaits } from './support/postgres.ts';

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

test('a checkpoint covers what was emitted before it, not what shares its commit', async () => {
  const a = await join({ gatherMs: 50 });
  const seen: unknown[] = [];
  a.handle(
    'once',
    async (job) => {
      seen.push([job.checkpoint, job.tail.map(({ data }) => data)]);
      if (job.attempts > 0) return null;
      void job.emit('n', 1);
      void job.save({ n: 1 });
      await job.emit('n', 2);
      throw new Error('again');
    },
    { retryDelayMs: () => 1 },
  );
  await ended(a, await a.add('once', null));
  assert.deepEqual(seen, [
    [undefined, []],
    [{ n: 1 }, [2]],
  ]);
});

test('a permanent error fails the work at once, with the facts that it gives itself', async () => {
  const a = await join();
  a.handle('refused', () => {
    throw Object.assign(new Error('no'), {
      permanent: true,
      toJSON: () => ({ message: 'no', status: 404 }),
    });
  });
  const id = await a.add('refused', null);
  await ended(a, id);
  const { state, error, attempts } = await a.get(id);
  assert.deepEqual([state, error, attempts], ['failed', { message: 'no', status: 404 }, 1]);
  const counts = { waiting: 0, running: 0, completed: 0, failed: 1, cancelled: 0 };
  assert.deepEqual(await a.counts('refused'), counts);
  assert.deepEqual(
    (await a.list(['none', id])).map((work) => work.id),
    [id],
  );
});

test('what is told on a topic is heard by all workers, when its transaction commits', async () => {
  const [a, b] = [await join(), await join()];
  const heard: string[] = [];
  const both = Promise.withResolvers<void>();
  for (const [name, worker] of Object.entries({ a, b })) {
    worker.listen('other', () => heard.push('wrong topic'));
    worker.listen('news', (text) => {
      heard.push(`${name} ${text}`);
      if (heard.length === 4) both.resolve();
    });
  }
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('begin');
  await a.tell('news', 'in a transaction', client);
  await a.tell('news', 'at once');
  await client.query('commit');
  await client.end();
  await both.promise;
  assert.deepEqual(heard.toSorted(), [
    'a at once',
    'a in a transaction',
    'b at once',
    'b in a transaction',
  ]);
});

test('a sibling that the supervisor saw die is buried at once', async () => {
  // Any other worker would bury it too, and say so itself.
  for (const other of open.splice(0)) await other.close();
  const lifecycle = createLifecycle({ graceMs: 1_000 });
  const said = Promise.withResolvers<string>();
  // With a lease this long nothing but the report can be the reason.
  await join({ lifecycle, leaseMs: 600_000, node: 'here', say: said.resolve });
  await postgres.query(
    `insert into handover.workers (id, node, pid, lease) values (99, 'here', 4711, interval '1 h')`,
  );
  lifecycle.events.emit('died', 4711);
  assert.match(await said.promise, /worker 99 \(process 4711 on here\) is gone/);
  await lifecycle.stop({ reason: 'test', leave: false });
});

test('a work that was cancelled as it ended is cancelled: no result, no effect, no last event', async () => {
  const a = await join();
  const canceller = new pg.Client({ connectionString: postgres.url });
  await canceller.connect();
  let written = 0;
  a.handle('ending', async (job) => {
    await job.emit('n', 1);
    // Seen by nobody until it is committed, and the last write waits for that.
    await canceller.query('begin');
    await canceller.query(`update handover.works set cancel_reason = 'enough' where id = $1`, [
      job.id,
    ]);
    void job.emit('n', 2);
    void job.effect('done', 'bell', null);
    written += 1;
    return 'done';
  });
  const id = await a.add('ending', null);
  const ending = ended(a, id);
  await untilWaits(postgres, 'with given as');
  await canceller.query('commit');
  await canceller.end();
  const events = await ending;
  const { state, result, lastSeq } = await a.get(id);
  assert.deepEqual([state, result, lastSeq, events.length, written], ['cancelled', null, 1, 1, 1]);
  const left = await postgres.query(`select from handover.effects where kind = 'bell'`);
  assert.equal(left.length, 0);
});
