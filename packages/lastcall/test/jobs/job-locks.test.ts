import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { JobLocks } from '../../src/jobs/support/job-locks.ts';
import { type Service, startPostgres } from '../support/services.ts';
import { type PgProxy, startPgProxy } from './support/pg-proxy.ts';

let postgres: Service;
let pool: pg.Pool;
before(async () => {
  postgres = await startPostgres();
  pool = new pg.Pool({ connectionString: postgres.url, max: 2 });
});
after(async () => {
  await pool.end();
  await postgres[Symbol.asyncDispose]();
});

const limit = { timeout: 30_000 };
const isLock = (asked: string): boolean => asked.includes('pg_advisory_lock_shared');

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(10);
}
async function count(from: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(`select count(*)::integer as n from ${from}`);
  return rows[0]?.n ?? 0;
}
const locked = (): Promise<number> => count(`pg_locks where locktype = 'advisory'`);
const sessions = (): Promise<number> =>
  count(`pg_stat_activity where backend_type = 'client backend' and query ~ 'advisory'
    and pid <> pg_backend_pid()`);

async function open({ url }: PgProxy): Promise<JobLocks> {
  const locks = new JobLocks(url, 'space');
  // Its scans are the adapters' business.
  await locks.open(
    60_000,
    async () => [],
    async () => undefined,
  );
  return locks;
}

/** Closes them, and waits until nothing of them is left. */
async function closed(locks: JobLocks, proxy: PgProxy): Promise<void> {
  await locks.close();
  await until(() => proxy.count === 0);
  await until(async () => (await locked()) === 0);
}

test(
  'a lock whose session breaks while it is asked for is taken again, and ends with its job',
  limit,
  async () => {
    await using proxy = await startPgProxy(postgres.url);
    const locks = await open(proxy);
    let asked = 0;
    proxy.passes = (piece) => !isLock(piece) || ++asked > 1;
    await locks.hold('1');
    await until(async () => (await locked()) === 1);
    await locks.drop('1');
    await until(async () => (await locked()) === 0);
    await closed(locks, proxy);
  },
);

test(
  'a session that breaks while it takes its locks again leaves no second one',
  limit,
  async () => {
    await using proxy = await startPgProxy(postgres.url);
    const locks = await open(proxy);
    await locks.hold('1');
    for (let round = 0; round < 8; round += 1) {
      let asked = 0;
      proxy.passes = (piece) => !isLock(piece) || ++asked > 1;
      proxy.cut();
      await until(async () => asked > 1 && (await locked()) === 1);
    }
    assert.equal(proxy.count, 1);
    assert.equal(await sessions(), 1);
    await closed(locks, proxy);
  },
);

test('a close while it connects again leaves no session', limit, async () => {
  await using proxy = await startPgProxy(postgres.url);
  const locks = await open(proxy);
  await locks.hold('1');
  const [gate, arrived] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  Object.assign(proxy, { gate: gate.promise, arrived: arrived.resolve });
  proxy.cut();
  await arrived.promise;
  const ended = locks.close();
  gate.resolve();
  await ended;
  await until(() => proxy.count === 0);
  await until(async () => (await locked()) === 0);
});

test('a job that ends while its lock is taken again does not keep it', limit, async () => {
  await using proxy = await startPgProxy(postgres.url);
  const locks = await open(proxy);
  for (const id of ['1', '2', '3']) await locks.hold(id);
  const dropped = Promise.withResolvers<void>();
  proxy.passes = (piece) => {
    if (isLock(piece)) dropped.resolve(locks.drop('2'));
    return true;
  };
  proxy.cut();
  await dropped.promise;
  await until(async () => (await locked()) === 2);
  for (const id of ['1', '3']) await locks.drop(id);
  await until(async () => (await locked()) === 0);
  await closed(locks, proxy);
});

test('a job that runs twice here is held until both have ended', limit, async () => {
  await using proxy = await startPgProxy(postgres.url);
  const locks = await open(proxy);
  await locks.hold('1');
  await locks.hold('1');
  await locks.drop('1');
  assert.equal(await locked(), 1);
  await locks.drop('1');
  assert.equal(await locked(), 0);
  await closed(locks, proxy);
});
