import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachPgBoss } from 'lastcall/pg-boss';
import { PgBoss } from 'pg-boss';
import { fixture } from '../support/fixture.ts';
import { type Service, startPostgres } from '../support/services.ts';

let postgres: Service;
let own: PgBoss;
const lifecycles: Lifecycle[] = [];

before(async () => {
  postgres = await startPostgres();
  own = await bossOf();
});
after(async () => {
  for (const lifecycle of lifecycles) await lifecycle.stop({ reason: 'end', leave: false });
  await own.stop();
  await postgres[Symbol.asyncDispose]();
});

async function bossOf(): Promise<PgBoss> {
  const boss = new PgBoss(postgres.url);
  boss.on('error', () => undefined);
  await boss.start();
  return boss;
}

function lifecycleOf(graceMs = 20_000): Lifecycle {
  const lifecycle = createLifecycle({ graceMs, forceMs: 3_000, leaveMaxMs: 1 });
  lifecycle.ready();
  lifecycles.push(lifecycle);
  return lifecycle;
}

const options = (): { connectionString: string; scanMs: number } => ({
  connectionString: postgres.url,
  scanMs: 200,
});

async function stateOf(queue: string, id: string | null): Promise<string | undefined> {
  const [found] = await own.findJobs(queue, { id: id ?? '' });
  return found?.state;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

test('a drain stops fetching and finishes what runs; the rest waits', async () => {
  await own.createQueue('drain');
  const lifecycle = lifecycleOf();
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await attachPgBoss(
    lifecycle,
    await bossOf(),
    'drain',
    async () => {
      began.resolve();
      await go.promise;
    },
    { ...options(), concurrency: 1 },
  );
  const first = await own.send('drain', {});
  await began.promise;
  const second = await own.send('drain', {});
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('draining');
  go.resolve();
  const record = await stopped;
  assert.deepEqual([record.outcomes.completed, record.outcomes.lost], [1, 0]);
  assert.equal(await stateOf('drain', first), 'completed');
  assert.equal(await stateOf('drain', second), 'created');
});

test('at the deadline a job is back in the queue at once, uncharged, after being told to leave', async () => {
  await own.createQueue('deadline');
  const lifecycle = lifecycleOf(800);
  const began = Promise.withResolvers<void>();
  let told = false;
  await attachPgBoss(
    lifecycle,
    await bossOf(),
    'deadline',
    async (_job, { leaving }) => {
      began.resolve();
      await once(leaving, 'abort');
      told = true;
      await new Promise(() => undefined);
    },
    { ...options(), checkpointMs: 400 },
  );
  const id = await own.send('deadline', {}, { retryLimit: 0 });
  await began.promise;
  const record = await lifecycle.stop({ reason: 'test' });
  assert.equal(record.outcomes.handed_over, 1);
  assert.equal(told, true);
  assert.equal(await stateOf('deadline', id), 'retry');
  const again = Promise.withResolvers<void>();
  await attachPgBoss(lifecycleOf(), await bossOf(), 'deadline', () => again.resolve(), options());
  await again.promise;
  await until(async () => (await stateOf('deadline', id)) === 'completed');
});

test('a failed job is retried by the rules of its queue; a revoked one is told and stays cancelled', async () => {
  await own.createQueue('errors');
  const lifecycle = lifecycleOf();
  const began = Promise.withResolvers<void>();
  let tries = 0;
  let code: unknown;
  const worker = await attachPgBoss<{ bad?: boolean }>(
    lifecycle,
    await bossOf(),
    'errors',
    async ({ data }, { signal }) => {
      if (data.bad) {
        tries += 1;
        throw new Error('bad');
      }
      began.resolve();
      await once(signal, 'abort');
      code = (signal.reason as { code: string }).code;
    },
    options(),
  );
  assert.ok(worker);
  const bad = await own.send('errors', { bad: true }, { retryLimit: 1, retryDelay: 0 });
  const endless = await own.send('errors', {});
  await began.promise;
  await own.cancel('errors', endless ?? ''); // as another process would do it
  await until(async () => code !== undefined && (await stateOf('errors', bad)) === 'failed');
  assert.equal(code, 'ERR_LASTCALL_REVOKED');
  assert.equal(tries, 2);
  await lifecycle.stop({ reason: 'restart' });
  assert.equal(await stateOf('errors', endless), 'cancelled');
});

test('the job of a killed worker is retried within seconds', async () => {
  await own.createQueue('killed');
  const id = await own.send('killed', {}, { retryLimit: 2, retryDelay: 0 });
  const child = fork(fixture('pg-worker.ts'), ['pg-boss'], {
    env: { ...process.env, DATABASE_URL: postgres.url },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const again = Promise.withResolvers<void>();
  await attachPgBoss(lifecycleOf(), await bossOf(), 'killed', () => again.resolve(), options());
  await again.promise;
  await until(async () => (await stateOf('killed', id)) === 'completed');
});
