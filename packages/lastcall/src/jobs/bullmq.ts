import {
  type ConnectionOptions,
  type Job,
  UnrecoverableError,
  WaitingError,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { type JobContext, type JobOptions, JobRuns } from './support/runs.ts';

export type { JobContext } from './support/runs.ts';

/** The part of a Redis client that revoking needs; an ioredis client has it. */
export interface RevokeStore {
  set(key: string, value: string, expire: 'EX', seconds: number): Promise<unknown>;
  mget(...keys: string[]): Promise<(string | null)[]>;
}

export interface BullmqOptions extends JobOptions, Omit<WorkerOptions, 'connection'> {
  connection: ConnectionOptions;
  /** Where revoked ids are kept; without it `revoke` reaches this process only. */
  revokeStore?: RevokeStore;
  /** How often running jobs are looked up there, in milliseconds. Default 500. */
  revokePollMs?: number;
}

/** A worker made by `attachBullmq`. */
export interface BullmqWorker<T, R> {
  readonly worker: Worker<T, R>;
  /** Ends a job for good, wherever it runs and also after a restart; it fails and is not retried. */
  revoke(id: string): Promise<void>;
}

const revokedForSeconds = 7 * 86_400;
const revokedKey = (queue: string, id: string): string => `lastcall:revoked:${queue}:${id}`;

/**
 * Works on a BullMQ queue. On drain it stops fetching; running jobs finish; at the deadline they are
 * moved back to wait at once, which charges no attempt. Jobs of a killed worker come back within
 * about 7 s (BullMQ's own default is 30 s to a minute, and only once for each job): lock 5 s, looked
 * at every 2 s, up to 10 times for a job. The worker is closed among the close hooks.
 */
export function attachBullmq<T = unknown, R = unknown>(
  lifecycle: Lifecycle,
  queue: string,
  processor: (job: Job<T, R>, context: JobContext) => Promise<R> | R,
  options: BullmqOptions,
): BullmqWorker<T, R> {
  const { revokeStore: store, revokePollMs = 500, ...rest } = options;
  const { kind: _kind, checkpointMs: _checkpointMs, recycleAfter: _recycleAfter, ...own } = rest;
  const runs = new JobRuns(lifecycle, options);
  const isRevoked = async (id: string): Promise<boolean> =>
    store !== undefined && (await store.mget(revokedKey(queue, id)))[0] !== null;

  const worker = new Worker<T, R>(
    queue,
    async (job, token) => {
      const id = job.id ?? '';
      if (await isRevoked(id)) throw new UnrecoverableError(`Job ${id} was revoked.`);
      return runs.run(
        id,
        job.name,
        (context) => processor(job, context),
        async (ran) => {
          if (ran.how === 'completed') return ran.value;
          if (ran.how === 'failed') throw ran.error;
          if (ran.how === 'revoked') throw new UnrecoverableError(`Job ${id} was revoked.`);
          await job.moveToWait(token);
          throw new WaitingError();
        },
      );
    },
    { lockDuration: 5_000, stalledInterval: 2_000, maxStalledCount: 10, ...own },
  );
  // Without a listener a lost connection would end the process; BullMQ connects again by itself.
  worker.on('error', () => undefined);

  const poll = setInterval(() => void look().catch(() => undefined), revokePollMs);
  poll.unref();
  async function look(): Promise<void> {
    const { ids } = runs;
    if (!store || ids.length === 0) return;
    const found = await store.mget(...ids.map((id) => revokedKey(queue, id)));
    for (const [index, id] of ids.entries()) if (found[index] !== null) runs.revoke(id);
  }
  lifecycle.onDrain(`bullmq ${queue}`, async () => {
    runs.drain();
    await worker.pause(true);
  });
  lifecycle.onResume(`bullmq ${queue}`, async () => {
    runs.resume();
    await worker.resume();
  });
  lifecycle.onClose(`bullmq ${queue}`, async () => {
    clearInterval(poll);
    await worker.close();
  });
  return {
    worker,
    async revoke(id) {
      await store?.set(revokedKey(queue, id), '1', 'EX', revokedForSeconds);
      runs.revoke(id);
    },
  };
}
