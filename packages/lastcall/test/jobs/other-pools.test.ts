// The lines of docs/guides/pools.md for other clients, against real servers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { Redis } from 'ioredis';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { createPool } from 'lastcall/pg';
import { program, type Service, startPostgres, startRedis } from '../support/services.ts';

const redisServer = program('/usr/bin/redis-server', 'redis-server');
let postgres: Service;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres[Symbol.asyncDispose]());

const lifecycleOf = (): Lifecycle => {
  const lifecycle = createLifecycle({ graceMs: 5_000, leaveMaxMs: 1 });
  lifecycle.ready();
  return lifecycle;
};

test('Drizzle on a checked pool: over a restart of the database, and until the last lease has ended', async () => {
  const lifecycle = lifecycleOf();
  const pool = createPool(lifecycle, { connectionString: postgres.url, checkAfterMs: 0 });
  const db = drizzle({ client: pool });
  await db.execute(sql`create table drizzle_test (n integer)`);
  await db.transaction((tx) => tx.execute(sql`insert into drizzle_test values (7)`));
  await postgres.stop();
  await postgres.start();
  const lease = lifecycle.admit({ kind: 'request' });
  assert.ok(lease.admitted);
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('draining');
  assert.deepEqual((await db.execute(sql`select n from drizzle_test`)).rows, [{ n: 7 }]);
  lease.end();
  assert.equal((await stopped).outcomes.completed, 1);
  assert.equal(pool.totalCount, 0);
});

const noRedis = redisServer === undefined && 'needs redis-server';
test(
  'ioredis: works until the last lease has ended, and is closed after it',
  { skip: noRedis },
  async () => {
    await using server = await startRedis(redisServer ?? '');
    const lifecycle = lifecycleOf();
    const redis = new Redis(server.url);
    lifecycle.onClose('redis', () => redis.quit());
    redis.on('error', () => undefined); // it connects again by itself
    await redis.set('a', '1');
    await server.stop();
    await server.start();
    assert.equal(await redis.incr('a'), 2);
    const lease = lifecycle.admit({ kind: 'request' });
    assert.ok(lease.admitted);
    const stopped = lifecycle.stop({ reason: 'test' });
    await lifecycle.when('draining');
    const ended = new Promise((resolve) => redis.once('end', resolve));
    assert.equal(await redis.incr('a'), 3);
    lease.end();
    const record = await stopped;
    await ended;
    assert.equal(record.exitCode, 0);
  },
);

test(
  'ioredis: a server that is away at the close does not hold the exit',
  { skip: noRedis },
  async () => {
    await using server = await startRedis(redisServer ?? '');
    const lifecycle = lifecycleOf();
    const redis = new Redis(server.url);
    lifecycle.onClose('redis', () => redis.quit());
    redis.on('error', () => undefined);
    await redis.ping();
    const away = new Promise((resolve) => redis.once('close', resolve));
    await server.stop();
    await away;
    const record = await lifecycle.stop({ reason: 'test' });
    assert.equal(record.exitCode, 0);
  },
);
