import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachBullmq } from 'lastcall/bullmq';
import { fixture } from '../support/fixture.ts';
import { program, type Service, startRedis } from '../support/services.ts';

const path = program('/usr/bin/redis-server', 'redis-server');
const skip = path === undefined && 'redis-server is not installed';
let redis: Service;
let connection: { url: string; maxRetriesPerRequest: null };
const lifecycles: Lifecycle[] = [];

before(async () => {
  if (path === undefined) return;
  redis = await startRedis(path);
  connection = { url: redis.url, maxRetriesPerRequest: null };
});
after(async () => {
  if (path === undefined) return;
  for (const lifecycle of lifecycles) await lifecycle.stop({ reason: 'end', leave: false });
  await redis[Symbol.asyncDispose]();
});

function lifecycleOf(graceMs = 10_000): Lifecycle {
  const lifecycle = createLifecycle({ graceMs, forceMs: 1_000, leaveMaxMs: 1 });
  lifecycle.ready();
  lifecycles.push(lifecycle);
  return lifecycle;
}

test('a drain stops fetching and finishes what runs; the rest waits', { skip }, async () => {
  await using queue = closing(new Queue('drain', { connection }));
  const lifecycle = lifecycleOf();
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  attachBullmq(
    lifecycle,
    'drain',
    async () => {
      began.resolve();
      await go.promise;
      return 'done';
    },
    { connection },
  );
  const first = await queue.it.add('one', {});
  await began.promise;
  await queue.it.add('two', {});
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('draining');
  go.resolve();
  const record = await stopped;
  assert.equal(record.outcomes.completed, 1);
  assert.equal(record.outcomes.lost, 0);
  assert.equal(await first.getState(), 'completed');
  assert.deepEqual(await queue.it.getJobCounts('wait', 'active', 'failed'), {
    wait: 1,
    active: 0,
    failed: 0,
  });
});

test(
  'at the deadline a job is back in its queue at once, uncharged, after being told to leave',
  { skip },
  async () => {
    await using queue = closing(new Queue('deadline', { connection }));
    const lifecycle = lifecycleOf(600);
    const seen: string[] = [];
    const began = Promise.withResolvers<void>();
    attachBullmq(
      lifecycle,
      'deadline',
      async (job, { leaving }) => {
        began.resolve();
        await once(leaving, 'abort');
        seen.push('leaving');
        await job.updateProgress({ at: 7 });
        await new Promise(() => undefined); // ignores its signal
      },
      { connection, checkpointMs: 300 },
    );
    const job = await queue.it.add('one', {}, { attempts: 1 });
    await began.promise;
    const record = await lifecycle.stop({ reason: 'test' });
    assert.equal(record.outcomes.handed_over, 1);
    assert.deepEqual(seen, ['leaving']);
    assert.equal(await job.getState(), 'waiting');
    const second = lifecycleOf();
    const result = Promise.withResolvers<unknown>();
    attachBullmq(
      second,
      'deadline',
      (again) => result.resolve([again.progress, again.attemptsMade]),
      { connection },
    );
    assert.deepEqual(await result.promise, [{ at: 7 }, 0]);
  },
);

test('a drain that is undone fetches again', { skip }, async () => {
  await using queue = closing(new Queue('resume', { connection }));
  const lifecycle = lifecycleOf();
  const done = Promise.withResolvers<void>();
  attachBullmq(lifecycle, 'resume', () => done.resolve(), { connection });
  void lifecycle.drain({ reason: 'test' });
  await lifecycle.when('draining');
  await queue.it.add('one', {});
  lifecycle.resume();
  await done.promise;
});

test(
  'a revoke reaches a running job by its signal, and one that begins after a restart',
  { skip },
  async () => {
    await using queue = closing(new Queue('revoke', { connection }));
    const store = new Redis(redis.url);
    const [first, second] = [lifecycleOf(), lifecycleOf()];
    const began = Promise.withResolvers<void>();
    const codes: unknown[] = [];
    const revokes = { connection, revokeStore: store, revokePollMs: 50 };
    attachBullmq(
      first,
      'revoke',
      async (_job, { signal }) => {
        began.resolve();
        await once(signal, 'abort');
        codes.push((signal.reason as { code: string }).code);
        throw signal.reason as Error;
      },
      revokes,
    );
    const job = await queue.it.add('one', {}, { attempts: 5 });
    await began.promise;
    // As another process would do it: this worker does not run the job.
    const other = attachBullmq(second, 'revoke', () => codes.push('ran'), {
      ...revokes,
      autorun: false,
    });
    await other.revoke(job.id ?? '');
    await until(async () => (await job.getState()) === 'failed');
    assert.deepEqual(codes, ['ERR_LASTCALL_REVOKED']);
    await first.stop({ reason: 'restart' });
    const later = await queue.it.add('two', {}, { attempts: 5, delay: 100 });
    await other.revoke(later.id ?? '');
    void other.worker.run();
    await until(async () => (await later.getState()) === 'failed');
    assert.deepEqual(codes, ['ERR_LASTCALL_REVOKED']);
    await second.stop({ reason: 'end' });
    store.disconnect();
  },
);

test('the job of a killed worker comes back within seconds, more than once', { skip }, async () => {
  await using queue = closing(new Queue('killed', { connection }));
  const job = await queue.it.add('one', {}, { attempts: 1 });
  for (let round = 0; round < 2; round += 1) {
    const child = fork(fixture('bullmq-worker.ts'), {
      env: { ...process.env, REDIS_URL: redis.url },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const lifecycle = lifecycleOf();
  const done = Promise.withResolvers<void>();
  attachBullmq(lifecycle, 'killed', () => done.resolve(), { connection });
  await done.promise;
  assert.equal(await job.isFailed(), false);
});

test(
  'after so many jobs the process stops, for a supervisor to start it afresh',
  { skip },
  async () => {
    await using queue = closing(new Queue('recycle', { connection }));
    const lifecycle = lifecycleOf();
    for (let n = 0; n < 5; n += 1) await queue.it.add('one', {});
    attachBullmq(lifecycle, 'recycle', () => 1, { connection, recycleAfter: 3 });
    const record = await lifecycle.stopped;
    assert.equal(record.reason, 'recycled after 3 jobs');
    assert.ok((record.outcomes.completed ?? 0) >= 3);
    assert.equal((await queue.it.getJobCounts('failed')).failed, 0);
  },
);

function closing<T extends { close(): Promise<unknown> }>(it: T): { it: T } & AsyncDisposable {
  return {
    it,
    async [Symbol.asyncDispose]() {
      await it.close();
    },
  };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(10);
}
