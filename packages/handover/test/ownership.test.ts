import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Event, type Handover, openHandover } from '@lastcall/handover';
import { startPostgres, type TestPostgres } from './support/postgres.ts';
import { startWorker, type WorkerProcess } from './support/processes.ts';

let postgres: TestPostgres;
let client: Handover;
const workers: WorkerProcess[] = [];

before(async () => {
  postgres = await startPostgres();
  client = await openHandover({ connectionString: postgres.url, node: 'client' });
});
afterEach(async () => {
  for (const { child } of workers) {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
  }
  await Promise.all(workers.splice(0).map(({ exit }) => exit));
});
after(async () => {
  await client.close();
  await postgres[Symbol.asyncDispose]();
});

async function worker(env: NodeJS.ProcessEnv = {}): Promise<WorkerProcess> {
  const started = await startWorker(postgres.url, env);
  workers.push(started);
  return started;
}

const mixed = (to: number): number => {
  let value = 1;
  for (let n = 1; n <= to; n += 1) value = (value * 31 + n) % 1_000_003;
  return value;
};

/** The whole stream, and what happened on the way: `at(n)` resolves when event n has been read. */
function follow(stream: AsyncIterable<Event>): {
  at: (seq: number) => Promise<void>;
  all: Promise<Event[]>;
} {
  const events: Event[] = [];
  let waiters: { seq: number; resolve: () => void }[] = [];
  const all = (async () => {
    for await (const event of stream) {
      events.push(event);
      for (const { seq, resolve } of waiters) if (seq <= event.seq) resolve();
      waiters = waiters.filter(({ seq }) => seq > event.seq);
    }
    return events;
  })();
  const at = (seq: number): Promise<void> =>
    events.length >= seq
      ? Promise.resolve()
      : new Promise((resolve) => waiters.push({ seq, resolve }));
  return { at, all };
}

function assertWhole(events: Event[], to: number): void {
  assert.deepEqual(
    events.map(({ seq, data }) => [seq, (data as { n: number }).n]),
    Array.from({ length: to }, (_, index) => [index + 1, index + 1]),
  );
  const last = events[to - 1]?.data as { mixed: number } | undefined;
  assert.equal(last?.mixed, mixed(to));
}

test('a drain gives running works to another worker; nothing is repeated, no attempt is charged', async () => {
  const first = await worker();
  const ids = await Promise.all(
    Array.from({ length: 20 }, () =>
      client.add('count', { to: 150, everyMs: 10, saveEvery: 1000, holdAt: 60 }),
    ),
  );
  const followed = await Promise.all(ids.map(async (id) => follow(await client.read(id))));
  await Promise.all(followed.map(({ at }) => at(20)));
  const second = await worker();
  first.child.kill('SIGTERM');
  assert.deepEqual(await first.exit, { code: 0, signal: null });
  for (const { all } of followed) assertWhole(await all, 150);
  for (const id of ids) {
    const work = await client.get(id);
    assert.deepEqual(work.result, { mixed: mixed(150), by: second.pid });
    assert.deepEqual([work.attempts, work.losses], [0, 0]);
  }
});

test('a killed worker is noticed by the end of its session, and its works repeat nothing', async () => {
  const first = await worker();
  const id = await client.add('count', { to: 120, everyMs: 10, saveEvery: 7, holdAt: 60 });
  const { at, all } = follow(await client.read(id));
  await at(25);
  const second = await worker();
  first.child.kill('SIGKILL');
  await first.exit;
  assertWhole(await all, 120);
  const work = await client.get(id);
  assert.deepEqual(work.result, { mixed: mixed(120), by: second.pid });
  assert.deepEqual([work.attempts, work.losses], [0, 1]);
});

test('a report of a death that is none changes nothing', async () => {
  const first = await worker({ NODE_NAME: 'reported' });
  const id = await client.add('count', { to: 60, everyMs: 10, saveEvery: 7 });
  const { at, all } = follow(await client.read(id));
  await at(10);
  await client.reportDead({ node: 'reported', pid: first.pid });
  assertWhole(await all, 60);
  assert.equal((await client.get(id)).losses, 0);
});

test('a worker that is silent past its lease is fenced: what it writes later changes nothing', async () => {
  const late = await worker({ LEASE_MS: '1000' });
  const id = await client.add('count', { to: 200, everyMs: 10, saveEvery: 7 });
  const { at, all } = follow(await client.read(id));
  await at(25);
  late.child.kill('SIGSTOP'); // its session stays open: only the lease tells
  const second = await worker();
  await at(60);
  late.child.kill('SIGCONT');
  assertWhole(await all, 200);
  assert.deepEqual((await client.get(id)).result, { mixed: mixed(200), by: second.pid });
});

test('with nobody to answer, a work is put back in time and continues with the next start', async () => {
  const first = await worker();
  const id = await client.add('count', { to: 100, everyMs: 20, saveEvery: 1000 });
  const { at, all } = follow(await client.read(id));
  await at(10);
  first.child.kill('SIGTERM');
  first.child.kill('SIGQUIT'); // skip the wait
  await first.exit;
  await worker();
  assertWhole(await all, 100);
  assert.deepEqual([(await client.get(id)).attempts, (await client.get(id)).losses], [0, 0]);
});

test('two workers with the same node name and every other name equal are still two', async () => {
  const pair = await Promise.all([worker({ NODE_NAME: 'same' }), worker({ NODE_NAME: 'same' })]);
  const ids = await Promise.all(
    Array.from({ length: 30 }, () => client.add('count', { to: 40, everyMs: 5, saveEvery: 5 })),
  );
  for (const id of ids) assertWhole(await follow(await client.read(id)).all, 40);
  const rows = await postgres.query<{ id: string }>(
    `select id from handover.workers where node = 'same'`,
  );
  assert.equal(rows.length, pair.length);
});

test('a database that is restarted under load loses nothing, and its down time is nobody’s silence', async () => {
  await Promise.all([worker({ LEASE_MS: '4000' }), worker({ LEASE_MS: '4000' })]);
  const ids = await Promise.all(
    Array.from({ length: 30 }, () => client.add('count', { to: 150, everyMs: 10, saveEvery: 10 })),
  );
  const followed = await Promise.all(ids.map(async (id) => follow(await client.read(id))));
  await Promise.all(followed.map(({ at }) => at(20)));
  await postgres.stop();
  await sleep(4_500); // longer than the lease
  await postgres.start();
  for (const { all } of followed) assertWhole(await all, 150);
  const losses = await Promise.all(ids.map(async (id) => (await client.get(id)).losses));
  assert.deepEqual(
    losses,
    ids.map(() => 0),
  );
});

test('clocks of the nodes are not compared: workers minutes apart share the work', async () => {
  const preload = (ms: number): string =>
    `--import=data:text/javascript,${encodeURIComponent(`const now = Date.now; Date.now = () => now() + ${ms};`)}`;
  const [fast, slow] = await Promise.all([
    worker({ NODE_OPTIONS: preload(600_000) }),
    worker({ NODE_OPTIONS: preload(-600_000) }),
  ]);
  const living = (): Promise<{ id: string }[]> =>
    postgres.query('select id from handover.workers where pid in ($1, $2) order by id', [
      slow.pid,
      process.pid,
    ]);
  const before = await living();
  assert.equal(before.length, 2);
  const ids = await Promise.all(
    Array.from({ length: 30 }, () => client.add('count', { to: 60, everyMs: 10, saveEvery: 5 })),
  );
  fast.child.kill('SIGKILL');
  for (const id of ids) assertWhole(await follow(await client.read(id)).all, 60);
  assert.deepEqual(await living(), before, 'a worker was held for dead');
});
