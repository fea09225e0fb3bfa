import type { JobWithMetadata, PgBoss } from 'pg-boss';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { JobLocks, unheld } from './support/job-locks.ts';
import { type JobContext, type JobOptions, JobRuns } from './support/runs.ts';

export type { JobContext } from './support/runs.ts';

export interface PgBossOptions extends JobOptions {
  /** The database that `boss` uses: one session of its own shows which jobs run here. Required. */
  connectionString: string;
  /** The schema that `boss` uses. Default `pgboss`. */
  schema?: string;
  /** How many jobs run at once. Default 10. */
  concurrency?: number;
  /** How often `boss` looks for jobs, in seconds, at least 0.5. Default 0.5. */
  pollSeconds?: number;
  /** How often orphans and revoked jobs are looked for, in milliseconds. Default 1000. */
  scanMs?: number;
}

/** A worker made by `attachPgBoss`. */
export interface PgBossWorker {
  /** Cancels a job for good, wherever it runs. */
  revoke(id: string): Promise<void>;
}

/**
 * Works on a pg-boss queue; `boss` is started already. On drain it stops fetching; running jobs
 * finish; at the deadline they are back in the queue at once: pg-boss counts every fetch, so the
 * limit is raised by one and none is charged. Jobs of a killed worker fail, as pg-boss counts it,
 * within about two scans, and are retried by the queue's rules (pg-boss alone: 15 min). All workers
 * of the queue have to be attached this way. `boss` is stopped among the close hooks.
 */
export async function attachPgBoss<T extends object = object>(
  lifecycle: Lifecycle,
  boss: PgBoss,
  queue: string,
  handler: (job: JobWithMetadata<T>, context: JobContext) => unknown,
  options: PgBossOptions,
): Promise<PgBossWorker> {
  const { connectionString, schema = 'pgboss', scanMs = 1_000 } = options;
  const runs = new JobRuns(lifecycle, options);
  const locks = new JobLocks(connectionString, `${schema}.${queue}`);
  const db = boss.getDb();
  await locks.open(
    scanMs,
    async (client, space) => {
      const { rows } = await client.query<{ id: string }>(
        `select id from ${schema}.job j where name = $2 and state = 'active' and ${unheld('j.id')}`,
        [space, queue],
      );
      await lookForRevoked();
      return rows.map(({ id }) => id);
    },
    async (ids) => {
      await boss.fail(queue, ids, { message: 'The worker of this job has died.' });
    },
  );
  async function lookForRevoked(): Promise<void> {
    const { ids } = runs;
    if (ids.length === 0) return;
    const { rows } = await db.executeSql(
      `select id from ${schema}.job where name = $1 and id = any($2::uuid[]) and state = 'cancelled'`,
      [queue, ids],
    );
    for (const { id } of rows as { id: string }[]) runs.revoke(id);
  }
  const giveBack = (id: string): Promise<unknown> =>
    db.executeSql(
      `update ${schema}.job set state = 'retry', retry_limit = retry_limit + 1, start_after = now()
       where name = $1 and id = $2 and state = 'active'`,
      [queue, id],
    );
  const work = (): Promise<string> =>
    boss.work<T>(
      queue,
      {
        includeMetadata: true,
        batchSize: 1,
        localConcurrency: options.concurrency ?? 10,
        pollingIntervalSeconds: options.pollSeconds ?? 0.5,
      },
      async (jobs) => {
        for (const job of jobs as JobWithMetadata<T>[]) await one(job);
      },
    );
  async function one(job: JobWithMetadata<T>): Promise<void> {
    try {
      await locks.hold(job.id);
      await runs.run(
        job.id,
        queue,
        (context) => handler(job, context),
        async (ran) => {
          // pg-boss settles after this function, when the lease would have ended: so it is done here.
          if (ran.how === 'completed')
            await boss.complete(queue, job.id, toOutput(ran.value) as object);
          if (ran.how === 'failed') await boss.fail(queue, job.id, toOutput(ran.error) as object);
          if (ran.how === 'returned') await giveBack(job.id);
        },
      );
    } finally {
      await locks.drop(job.id);
    }
  }

  await work();
  lifecycle.onDrain(`pg-boss ${queue}`, async () => {
    runs.drain();
    await boss.offWork(queue, { wait: false });
  });
  lifecycle.onResume(`pg-boss ${queue}`, async () => {
    runs.resume();
    await work();
  });
  lifecycle.onClose(`pg-boss ${queue}`, async () => {
    await boss.stop({ graceful: true, timeout: 1_000 });
    await locks.close();
  });
  return {
    async revoke(id) {
      await boss.cancel(queue, id);
      runs.revoke(id);
    },
  };
}

function toOutput(value: unknown): unknown {
  if (value instanceof Error) return { message: value.message, name: value.name };
  return typeof value === 'object' ? value : { value };
}
