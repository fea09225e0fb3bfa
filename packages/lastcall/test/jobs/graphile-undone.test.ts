import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeWorkerUtils, type WorkerEvents, type WorkerUtils } from 'graphile-worker';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachGraphileWorker } from 'lastcall/graphile-worker';
import pg from 'pg';
import { type Service, startPostgres } from '../support/services.ts';

let postgres: Service;
let utils: WorkerUtils;
let pool: pg.Pool;
const lifecycles: Lifecycle[] = [];

before(async () => {
  postgres = await startPostgres();
  pool = new pg.Pool({ connectionString: postgres.url });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  utils = await makeWorkerUtils({ pgPool: pool });
  await utils.migrate();
});
after(async () => {
  await Promise.all(lifecycles.map((one) => one.stop({ reason: 'end', leave: false })));
  await utils.release();
  await pool.end();
  await postgres[Symbol.asyncDispose]();
});

const limit = { timeout: 30_000 };

/** A worker in a drain, with a long job under way; the job `more` ends at once. */
async function draining() {
  const lifecycle = createLifecycle({ graceMs: 20_000, forceMs: 2_000, leaveMaxMs: 1 });
  lifecycle.ready();
  lifecycles.push(lifecycle);
  const events: WorkerEvents = new EventEmitter();
  let released = 0;
  events.on('pool:release', () => (released += 1));
  const [began, go, more] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  await attachGraphileWorker(lifecycle, {
    connectionString: postgres.url,
    tasks: {
      long: async () => {
        began.resolve();
        await go.promise;
      },
      more: () => more.resolve(),
    },
    runner: { pollInterval: 50, events },
  });
  const { id } = await utils.addJob('long', {});
  await began.promise;
  void lifecycle.drain({ reason: 'test' });
  await lifecycle.when('draining');
  return { lifecycle, go, more, long: id, released: () => released };
}

async function again(lifecycle: Lifecycle): Promise<void> {
  void lifecycle.drain({ reason: 'again' });
  await lifecycle.when('draining');
}

const rowOf = async (id: string): Promise<object | undefined> =>
  (
    await pool.query<object>(
      'select xmin, attempts, locked_at from graphile_worker._private_jobs where id = $1',
      [id],
    )
  ).rows[0];

test('a drain that is undone fetches at once, beside the jobs that still run', limit, async () => {
  const { lifecycle, go, more, long } = await draining();
  lifecycle.resume();
  await utils.addJob('more', {});
  await more.promise;
  assert.ok(await rowOf(long));
  go.resolve();
  await lifecycle.stop({ reason: 'end', leave: false });
});

test(
  'a second drain leaves waiting jobs untouched, whatever the first one was waiting for',
  limit,
  async () => {
    const { lifecycle, go, long, released } = await draining();
    lifecycle.resume();
    await again(lifecycle);
    go.resolve();
    // The worker of the first drain, and the one that was starting when the second came.
    while ((await rowOf(long)) || released() < 2) await sleep(10);
    const { id } = await utils.addJob('more', {});
    const before = await rowOf(id);
    // Many times its poll: a runner that was started would have taken it.
    await sleep(1_000);
    assert.deepEqual(await rowOf(id), before);
    assert.deepEqual({ ...before, xmin: '' }, { xmin: '', attempts: 0, locked_at: null });
    await utils.completeJobs([id]);
  },
);
