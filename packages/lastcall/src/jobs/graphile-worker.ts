import { type JobHelpers, run, type Runner, type RunnerOptions } from 'graphile-worker';
import pg from 'pg';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { Fetching } from './support/fetching.ts';
import { JobLocks, unheld } from './support/job-locks.ts';
import { type JobContext, type JobOptions, JobRuns } from './support/runs.ts';

export type { JobContext } from './support/runs.ts';

export type GraphileTask = (payload: unknown, helpers: JobHelpers, context: JobContext) => unknown;

export interface GraphileOptions extends JobOptions {
  /** The database. Required. */
  connectionString: string;
  tasks: Record<string, GraphileTask>;
  /** How many jobs run at once. Default 10. */
  concurrency?: number;
  /** The schema. Default `graphile_worker`. */
  schema?: string;
  /** How often orphans and revoked jobs are looked for, in milliseconds. Default 1000. */
  scanMs?: number;
  /** More options of Graphile Worker's `run`. */
  runner?: Omit<
    RunnerOptions,
    'connectionString' | 'pgPool' | 'taskList' | 'concurrency' | 'schema'
  >;
}

/** A worker made by `attachGraphileWorker`. */
export interface GraphileWorker {
  /** Fails a job for good, wherever it runs and also after a restart. */
  revoke(id: string): Promise<void>;
}

class NotOursError extends Error {}

/**
 * Works with Graphile Worker (0.16 to 0.18). On drain it stops fetching; running jobs finish, and
 * their completion is written before their lease ends (0.18.0 does not wait for it on a graceful
 * stop, and runs such a job again hours later); at the deadline jobs are back in the queue at once
 * and uncharged. Jobs of a killed worker are back within about two scans, with the attempt charged
 * (Graphile Worker alone: 4 h). All workers of the schema have to be attached this way.
 */
export async function attachGraphileWorker(
  lifecycle: Lifecycle,
  options: GraphileOptions,
): Promise<GraphileWorker> {
  const { connectionString, schema = 'graphile_worker', concurrency = 10 } = options;
  const pool = new pg.Pool({ connectionString, max: concurrency + 4 });
  // A connection that breaks fails its query, and the pool makes another.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const runs = new JobRuns(lifecycle, options);
  const locks = new JobLocks(connectionString, schema);
  const jobs = `${schema}._private_jobs`;

  /** Unlocks jobs, and the named queues that they hold. */
  const unlock = (ids: string[], set: string): Promise<unknown> =>
    pool.query(
      `with freed as (
         update ${jobs} set locked_by = null, locked_at = null, ${set} where id = any($1::bigint[])
         returning job_queue_id
       )
       update ${schema}._private_job_queues q set locked_by = null, locked_at = null
       from freed f where q.id = f.job_queue_id`,
      [ids],
    );
  const complete = (id: string): Promise<unknown> =>
    pool.query(
      `with done as (delete from ${jobs} where id = $1 returning job_queue_id)
       update ${schema}._private_job_queues q set locked_by = null, locked_at = null
       from done d where q.id = d.job_queue_id`,
      [id],
    );
  const revokedSet = `attempts = max_attempts, last_error = 'The job was revoked.'`;

  async function one(payload: unknown, helpers: JobHelpers, task: GraphileTask): Promise<void> {
    const { job } = helpers;
    try {
      await locks.hold(job.id);
      const how = await runs.run(
        job.id,
        job.task_identifier,
        (context) => {
          if (job.flags?.['lastcall:revoked']) runs.revoke(job.id);
          context.signal.throwIfAborted();
          return task(payload, helpers, context);
        },
        async (ran) => {
          if (ran.how === 'completed') await complete(job.id);
          if (ran.how === 'returned')
            await unlock([job.id], 'attempts = greatest(0, attempts - 1), run_at = now()');
          if (ran.how === 'revoked') await unlock([job.id], revokedSet);
          if (ran.how === 'failed') throw ran.error;
          return ran.how;
        },
      );
      // A task that returns is deleted, whoever has it by now; one that throws only while it is ours.
      if (how !== 'completed') throw new NotOursError(`The job was ${how}.`);
    } finally {
      await locks.drop(job.id);
    }
  }
  const taskList = Object.fromEntries(
    Object.entries(options.tasks).map(([name, task]) => [
      name,
      (payload: unknown, helpers: JobHelpers) => one(payload, helpers, task),
    ]),
  );
  const fetching = new Fetching<Runner>(
    () =>
      run({
        noHandleSignals: true,
        pollInterval: 1_000,
        ...options.runner,
        pgPool: pool,
        taskList,
        concurrency,
        schema,
      }),
    (runner) => runner.stop(),
  );
  await fetching.begin();
  await locks.open(
    options.scanMs ?? 1_000,
    async (client, space) => {
      const { rows } = await client.query<{ id: string }>(
        `select id from ${jobs} j where locked_at is not null and ${unheld('j.id')}`,
        [space],
      );
      await lookForRevoked();
      return rows.map(({ id }) => id);
    },
    async (ids) => {
      await unlock(
        ids,
        `run_at = now(), attempts = case when flags ? 'lastcall:revoked' then max_attempts else attempts end`,
      );
    },
  );
  async function lookForRevoked(): Promise<void> {
    const { ids } = runs;
    if (ids.length === 0) return;
    const { rows } = await pool.query<{ id: string }>(
      `select id from ${jobs} where id = any($1::bigint[]) and flags ? 'lastcall:revoked'`,
      [ids],
    );
    for (const { id } of rows) runs.revoke(id);
  }
  lifecycle.onDrain('graphile-worker', () => {
    runs.drain();
    return fetching.end();
  });
  lifecycle.onResume('graphile-worker', () => {
    runs.resume();
    return fetching.begin();
  });
  lifecycle.onClose('graphile-worker', async () => {
    await fetching.end();
    await locks.close();
    await pool.end();
  });
  return {
    async revoke(id) {
      await pool.query(
        `update ${jobs} set flags = coalesce(flags, '{}') || '{"lastcall:revoked": true}',
           attempts = case when locked_at is null then max_attempts else attempts end,
           last_error = case when locked_at is null then 'The job was revoked.' else last_error end
         where id = $1`,
        [id],
      );
      runs.revoke(id);
    },
  };
}
