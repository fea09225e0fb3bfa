import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeWorkerUtils, run, type WorkerUtils } from 'graphile-worker';
import { createLifecycle, type Lifecycle } from 'lastcall';
import {
  attachGraphileWorker,
  type GraphileTask,
  type GraphileWorker,
} from 'lastcall/graphile-worker';
import pg from 'pg';
import { fixture } from '../support/fixture.ts';
import { type Service, startPostgres } from '../support/services.ts';

let postgres: Service;
let utils: WorkerUtils;
let pool: pg.Pool;
let utilsPool: pg.Pool;
const lifecycles: Lifecycle[] = [];

/** Ended by the test itself: Graphile Worker neither awaits the end of its own pool nor listens for its errors then. */
function poolOf(max = 10): pg.Pool {
  const made = new pg.Pool({ connectionString: postgres.url, max });
  made.on('error', () => undefined);
  made.on('connect', (client) => client.on('error', () => undefined));
  return made;
}

before(async () => {
  postgres = await startPostgres();
  pool = poolOf();
  utilsPool = poolOf();
  utils = await makeWorkerUtils({ pgPool: utilsPool });
  await utils.migrate();
});
after(async () => {
  for (const lifecycle of lifecycles) await lifecycle.stop({ reason: 'end', leave: false });
  await utils.release();
  await utilsPool.end();
  await pool.end();
  await postgres[Symbol.asyncDispose]();
});

function lifecycleOf(graceMs = 20_000): Lifecycle {
  const lifecycle = createLifecycle({ graceMs, forceMs: 2_000, leaveMaxMs: 1 });
  lifecycle.ready();
  lifecycles.push(lifecycle);
  return lifecycle;
}

const attach = (
  lifecycle: Lifecycle,
  tasks: Record<string, GraphileTask>,
  more: object = {},
): Promise<GraphileWorker> =>
  attachGraphileWorker(lifecycle, { connectionString: postgres.url, tasks, scanMs: 200, ...more });

interface Row {
  id: string;
  attempts: number;
  max_attempts: number;
  locked: boolean;
  last_error: string | null;
}
const rows = async (task: string): Promise<Row[]> =>
  (
    await pool.query<Row>(
      `select j.id, attempts, max_attempts, locked_at is not null as locked, last_error
       from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
       where t.identifier = $1 order by j.id`,
      [task],
    )
  ).rows;

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(20);
}

test('a drain finishes what runs, and no finished job is left locked, in a named queue or without', async () => {
  const lifecycle = lifecycleOf();
  const go = Promise.withResolvers<void>();
  let begun = 0;
  await attach(
    lifecycle,
    {
      drain: async () => {
        begun += 1;
        await go.promise;
      },
    },
    { concurrency: 5 },
  );
  for (let n = 0; n < 5; n += 1)
    await utils.addJob('drain', {}, n === 0 ? { queueName: 'named' } : {});
  await until(() => begun === 5);
  const sixth = await utils.addJob('drain', {});
  // The completion of one cannot be written yet: its lease has to wait for it.
  const blocker = await pool.connect();
  await blocker.query('begin');
  await blocker.query(
    'select from graphile_worker._private_jobs where locked_at is not null order by id limit 1 for update',
  );
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('draining');
  go.resolve();
  await until(() => lifecycle.inFlight <= 1);
  assert.equal(lifecycle.inFlight, 1);
  await blocker.query('commit');
  blocker.release();
  const record = await stopped;
  assert.deepEqual([record.outcomes.completed, record.outcomes.lost], [5, 0]);
  assert.deepEqual(
    (await rows('drain')).map(({ id, locked, attempts }) => [id, locked, attempts]),
    [[sixth.id, false, 0]],
  );
  const queues = await pool.query(
    'select from graphile_worker._private_job_queues where locked_at is not null',
  );
  assert.equal(queues.rowCount, 0);
});

test('Graphile Worker 0.18.0 alone leaves finished jobs locked: why the adapter completes them itself', async () => {
  const go = Promise.withResolvers<void>();
  let begun = 0;
  // Two connections (one listens until the stop) for five completions.
  const own = poolOf(2);
  const runner = await run({
    pgPool: own,
    noHandleSignals: true,
    concurrency: 5,
    taskList: {
      alone: async () => {
        begun += 1;
        await go.promise;
      },
    },
  });
  for (let n = 0; n < 5; n += 1) await utils.addJob('alone', {});
  await until(() => begun === 5);
  // No completion can be written before the stop has ended.
  const blocker = await pool.connect();
  await blocker.query('begin');
  await blocker.query('select from graphile_worker._private_jobs for update');
  const stopped = runner.stop().then(() => true);
  go.resolve();
  const early = await Promise.race([stopped, sleep(10_000, false, { ref: false })]);
  const ended = own.end();
  await blocker.query('commit');
  blocker.release();
  await stopped;
  await ended;
  // When these fail the gap has closed: the adapter can do less.
  assert.equal(early, true, 'the stop waited for the completions');
  const left = (await rows('alone')).filter(({ locked }) => locked);
  assert.ok(left.length >= 3, `${left.length} of 5 finished jobs are locked`);
});

test('at the deadline a job is back in the queue at once, uncharged, after being told to leave', async () => {
  const lifecycle = lifecycleOf(700);
  const began = Promise.withResolvers<void>();
  let told = false;
  await attach(
    lifecycle,
    {
      deadline: async (_payload, _helpers, { leaving }) => {
        began.resolve();
        await once(leaving, 'abort');
        told = true;
        await new Promise(() => undefined);
      },
    },
    { checkpointMs: 300 },
  );
  await utils.addJob('deadline', {}, { maxAttempts: 1 });
  await began.promise;
  const record = await lifecycle.stop({ reason: 'test' });
  assert.equal(record.outcomes.handed_over, 1);
  assert.equal(told, true);
  const [row] = await rows('deadline');
  assert.deepEqual([row?.attempts, row?.locked], [0, false]);
  const again = Promise.withResolvers<void>();
  await attach(lifecycleOf(), { deadline: () => again.resolve() });
  await again.promise;
  await until(async () => (await rows('deadline')).length === 0);
});

test('a revoke reaches a running job by its signal, and a waiting one never runs', async () => {
  const [lifecycle, second] = [lifecycleOf(), lifecycleOf()];
  const began = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  await attach(lifecycle, {
    revoke: async (_payload, _helpers, { signal }) => {
      began.resolve();
      await once(signal, 'abort');
      seen.push((signal.reason as { code: string }).code);
    },
  });
  const running = await utils.addJob('revoke', {});
  await began.promise;
  const other = await attach(second, { other: () => undefined });
  await other.revoke(running.id);
  await until(async () => (await rows('revoke'))[0]?.attempts === 25);
  await lifecycle.stop({ reason: 'restart' });
  const waiting = await utils.addJob('revoke', {});
  await other.revoke(waiting.id);
  const third = lifecycleOf();
  const marker = Promise.withResolvers<void>();
  await attach(third, { revoke: () => seen.push('ran'), marker: () => marker.resolve() });
  await utils.addJob('marker', {});
  await marker.promise;
  assert.deepEqual(seen, ['ERR_LASTCALL_REVOKED']);
  assert.deepEqual(
    (await rows('revoke')).map((row) => [
      row.attempts === row.max_attempts,
      row.locked,
      row.last_error,
    ]),
    [
      [true, false, 'The job was revoked.'],
      [true, false, 'The job was revoked.'],
    ],
  );
});

test('the job of a killed worker is back within seconds', async () => {
  await utils.addJob('killed', {}, { queueName: 'of the killed' });
  const child = fork(fixture('pg-worker.ts'), ['graphile'], {
    env: { ...process.env, DATABASE_URL: postgres.url },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const again = Promise.withResolvers<void>();
  await attach(lifecycleOf(), { killed: () => again.resolve() });
  await again.promise;
  await until(async () => (await rows('killed')).length === 0);
});
