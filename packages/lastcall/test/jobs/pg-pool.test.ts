import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { createPool } from 'lastcall/pg';
import type { PoolClient } from 'pg';
import { type Service, startPostgres } from '../support/services.ts';

let postgres: Service;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres[Symbol.asyncDispose]());

const lifecycleOf = (): ReturnType<typeof createLifecycle> => {
  const lifecycle = createLifecycle({ graceMs: 5_000, leaveMaxMs: 1 });
  lifecycle.ready();
  return lifecycle;
};

test('after a restart of the database every connection handed out works', async () => {
  const lifecycle = lifecycleOf();
  const pool = createPool(lifecycle, { connectionString: postgres.url, max: 5, checkAfterMs: 0 });
  const fill = await Promise.all(Array.from({ length: 5 }, () => pool.connect()));
  for (const client of fill) client.release();
  assert.equal(pool.idleCount, 5);
  await postgres.stop();
  await postgres.start();
  const answers = await Promise.all(
    Array.from(
      { length: 20 },
      async (_, n) => (await pool.query('select $1::integer as n', [n])).rows[0].n as number,
    ),
  );
  assert.deepEqual(
    answers,
    Array.from({ length: 20 }, (_, n) => n),
  );
  await lifecycle.stop({ reason: 'test' });
});

test('a connection that breaks in use, between two queries, fails the next one and nothing else', async () => {
  const lifecycle = lifecycleOf();
  const pool = createPool(lifecycle, { connectionString: postgres.url, max: 1 });
  const client = await pool.connect();
  await client.query('begin');
  const broken = new Promise((resolve) => client.once('end', resolve));
  await postgres.stop();
  await broken;
  await assert.rejects(client.query('select 1'));
  client.release();
  await assert.rejects(pool.query('select 1'), { code: 'ECONNREFUSED' });
  await postgres.start();
  assert.deepEqual((await pool.query('select 1 as n')).rows, [{ n: 1 }]);
  await lifecycle.stop({ reason: 'test' });
});

test('a session that the server ended while idle is replaced, not handed out', async () => {
  const lifecycle = lifecycleOf();
  const pool = createPool(lifecycle, { connectionString: postgres.url, max: 2, checkAfterMs: 0 });
  const [a, b] = [await pool.connect(), await pool.connect()];
  const pid = (await a.query('select pg_backend_pid() as pid')).rows[0].pid as number;
  a.release();
  await b.query('select pg_terminate_backend($1)', [pid]);
  // At once: the end of the session may not have arrived here yet.
  const again = await pool.connect();
  const now = (await again.query('select pg_backend_pid() as pid')).rows[0].pid as number;
  assert.notEqual(now, pid);
  again.release();
  b.release();
  await lifecycle.stop({ reason: 'test' });
});

test('the pool closes after the last lease has ended, and every session is closed', async () => {
  const lifecycle = lifecycleOf();
  const pool = createPool(lifecycle, {
    connectionString: postgres.url,
    application_name: 'closing',
  });
  const lease = lifecycle.admit({ kind: 'task' });
  assert.ok(lease.admitted);
  await pool.query('select 1');
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('draining');
  assert.deepEqual((await pool.query('select 7 as n')).rows, [{ n: 7 }]);
  lease.end();
  await stopped;
  assert.equal(pool.totalCount, 0);
  const watcher = lifecycleOf();
  const other = createPool(watcher, { connectionString: postgres.url });
  for (;;) {
    const { rows } = await other.query(
      `select from pg_stat_activity where application_name = 'closing'`,
    );
    if (rows.length === 0) break;
  }
  await watcher.stop({ reason: 'test' });
});

test('a callback gets its client as from the pool it replaces', async () => {
  const lifecycle = lifecycleOf();
  const pool = createPool(lifecycle, { connectionString: postgres.url });
  const given = Promise.withResolvers<[PoolClient, () => void]>();
  pool.connect((error, client, done) => {
    if (client) given.resolve([client, done]);
    else given.reject(error ?? new Error('no client'));
  });
  const [client, done] = await given.promise;
  assert.deepEqual((await client.query('select 1 as n')).rows, [{ n: 1 }]);
  done();
  await lifecycle.stop({ reason: 'test' });
  await assert.rejects(pool.query('select 1'), /after calling end/);
});
