import type { Lease } from 'lastcall';
import { HandoverError } from './errors.ts';
import type { Job } from './job.ts';
import type { End } from './writer.ts';

export interface HandlerOptions {
  /** How many run at once in this worker. Default 10. */
  concurrency?: number;
  /**
   * The handler emits the same events again from the same checkpoint: it then starts at the
   * checkpoint, and what it repeats is compared and not written twice. Default false: it starts
   * after the last event, and finds the ones after the checkpoint in `job.tail`.
   */
  deterministic?: boolean;
  /** The kind of its leases in the ledger. Default `task`. */
  leaseKind?: string;
  /** Wait before the next run after `attempts` failures. Default 1 s, doubled each time, at most 60 s. */
  retryDelayMs?: (attempts: number) => number;
}

export type Handler<Input = unknown, State = unknown> = (job: Job<Input, State>) => unknown;

/** A kind of work that this worker does. */
export interface Trade {
  readonly kind: string;
  readonly run: Handler;
  readonly options: Required<HandlerOptions>;
  running: number;
}

export const handlerDefaults: Required<HandlerOptions> = {
  concurrency: 10,
  deterministic: false,
  leaseKind: 'task',
  retryDelayMs: (attempts) => Math.min(1_000 * 2 ** (attempts - 1), 60_000),
};

/** Runs one job to its end, whatever it is, and ends its lease. Never rejects. */
export async function runJob(
  job: Job,
  trade: Trade,
  lease: Lease | undefined,
  acknowledged: () => Promise<unknown>,
): Promise<void> {
  const putBack = (): void => {
    job.abort(
      new HandoverError('ERR_HANDOVER_PASSED', `Work ${job.id}: the deadline of this worker came.`),
    );
  };
  lease?.signal.addEventListener('abort', putBack, { once: true });
  if (lease?.signal.aborted) putBack();
  const run = attempt(job, trade);
  run.catch(() => undefined);
  // A handler that ignores its signal must not hold back the work that others could do.
  const stopped = new Promise<void>((resolve) => {
    const stop = (): void => resolve();
    if (job.signal.aborted) stop();
    else job.signal.addEventListener('abort', stop, { once: true });
  });
  try {
    const end = await Promise.race([run, stopped.then(() => stopEnd(job))]);
    if (!job.end) await job.finish(end);
    else await run;
  } catch (error) {
    // What the database refuses (a NUL in the result) fails the run; a fence has moved it on already.
    const isFailed =
      (error as HandoverError).code === 'ERR_HANDOVER_DATABASE' &&
      (await job.finish(failure(job, trade, error)).then(
        () => true,
        () => false,
      ));
    lease?.end(isFailed ? 'failed' : 'handed_over');
    job.abort(gone(job));
    return;
  }
  const how = job.end as End;
  if (how.reserved) await acknowledged();
  lease?.end(outcomes[how.charge ? 'failed' : how.state]);
}

const outcomes = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  waiting: 'handed_over',
} as const;

async function attempt(job: Job, trade: Trade): Promise<End> {
  try {
    const result: unknown = await trade.run(job);
    return { state: 'completed', result: JSON.stringify(result ?? null) ?? 'null' };
  } catch (error) {
    if (job.signal.aborted) return stopEnd(job);
    if ((error as HandoverError).code === 'ERR_HANDOVER_FENCED') throw error;
    return failure(job, trade, error);
  }
}

const isPermanent = (error: unknown): boolean =>
  (error as { permanent?: unknown } | null | undefined)?.permanent === true;

const failure = (job: Job, trade: Trade, error: unknown): End => ({
  state: isPermanent(error) ? 'failed' : 'waiting',
  charge: true,
  delayMs: delayMs(trade, job.attempts + 1),
  error: errorFacts(error),
});

/** A delay that the handler got wrong must not keep the run from ending; the longest is ten years. */
function delayMs({ options }: Trade, attempts: number): number {
  try {
    const inMs = options.retryDelayMs(attempts);
    if (inMs >= 0) return Math.min(inMs, 10 * 365 * 86_400_000);
  } catch {
    // as below
  }
  return handlerDefaults.retryDelayMs(attempts);
}

/** How a run ends that was told to: cancelled for good, or back to the queue without a charge. */
function stopEnd(job: Job): End {
  const { code } = job.signal.reason as HandoverError;
  return { state: code === 'ERR_HANDOVER_CANCELLED' ? 'cancelled' : 'waiting' };
}

/** As JSON that the database takes. */
function errorFacts(error: unknown): string {
  const { message = String(error), code, toJSON } = (error ?? {}) as Facts;
  try {
    const facts = typeof toJSON === 'function' && toJSON.call(error);
    if (facts) return JSON.stringify(facts, storable);
  } catch {
    // An error that cannot say its facts has its message.
  }
  return JSON.stringify({ message, code }, storable);
}

interface Facts {
  message?: unknown;
  code?: unknown;
  toJSON?: () => object;
}

/** PostgreSQL's jsonb takes no NUL and no half of a surrogate pair. */
const storable = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value;

const gone = (job: Job): HandoverError =>
  new HandoverError('ERR_HANDOVER_FENCED', `Work ${job.id}: it belongs to another worker by now.`);
