import { LastcallError } from '../../errors.ts';
import type { Lease } from '../../ledger/lease.ts';
import type { Outcome } from '../../ledger/outcome.ts';
import type { Lifecycle } from '../../lifecycle/lifecycle.ts';

/** Options that every job adapter has. */
export interface JobOptions {
  /** The kind of the leases in the ledger. Default `job`. */
  kind?: string;
  /** How long before the deadline of a stop `leaving` aborts, in milliseconds. Default 2000. */
  checkpointMs?: number;
  /** Stop this process (for a supervisor to start afresh) after so many jobs. Default: never. */
  recycleAfter?: number;
}

/** What a job's handler is given beside the job. */
export interface JobContext {
  readonly lease: Lease;
  /** Aborts when the job must end now: the deadline, or a revoke. Its reason is coded. */
  readonly signal: AbortSignal;
  /** Aborts a while before the deadline: save what a later run can continue from. */
  readonly leaving: AbortSignal;
}

/** How a run ended. `returned`: it goes back to its queue; the handler may not have noticed yet. */
export type Ran<T> =
  | { how: 'completed'; value: T }
  | { how: 'failed'; error: unknown }
  | { how: 'returned' }
  | { how: 'revoked' };

const outcomes: Record<Ran<unknown>['how'], Outcome> = {
  completed: 'completed',
  failed: 'failed',
  returned: 'handed_over',
  revoked: 'cancelled',
};

/** The jobs of one adapter that run in this process, each with its lease. */
export class JobRuns {
  readonly #lifecycle: Lifecycle;
  readonly #options: Required<JobOptions>;
  readonly #running = new Map<string, { lease: Lease; leaving: AbortController }>();
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(lifecycle: Lifecycle, { kind, checkpointMs, recycleAfter }: JobOptions) {
    this.#lifecycle = lifecycle;
    this.#options = {
      kind: kind ?? 'job',
      checkpointMs: checkpointMs ?? 2_000,
      recycleAfter: recycleAfter ?? Infinity,
    };
  }

  /** The ids of the jobs that run here. */
  get ids(): string[] {
    return [...this.#running.keys()];
  }

  /**
   * Runs one job. `settle` tells the engine how it ended, before the lease does; a handler that
   * ignores its signal is not waited for.
   */
  async run<T, R>(
    id: string,
    label: string,
    work: (context: JobContext) => Promise<T> | T,
    settle: (ran: Ran<T>) => Promise<R> | R,
  ): Promise<R> {
    const admission = this.#lifecycle.admit({ kind: this.#options.kind, label });
    if (!admission.admitted) return settle({ how: 'returned' });
    const leaving = new AbortController();
    const lease = admission;
    this.#running.set(id, { lease, leaving });
    const ran = await this.#race(lease, () =>
      work({ lease, signal: lease.signal, leaving: leaving.signal }),
    );
    try {
      return await settle(ran);
    } finally {
      this.#running.delete(id);
      lease.end(outcomes[ran.how]);
      this.#count += 1;
      if (this.#count === this.#options.recycleAfter)
        void this.#lifecycle.stop({ reason: `recycled after ${this.#count} jobs` });
    }
  }

  /** Ends a job that runs here for good. Returns whether it does. */
  revoke(id: string): boolean {
    const run = this.#running.get(id);
    run?.lease.cancel(new LastcallError('ERR_LASTCALL_REVOKED', `Job ${id} was revoked.`, { id }));
    return run !== undefined;
  }

  /** The drain has begun: tells the jobs in time before its deadline. */
  drain(): void {
    const stop = this.#lifecycle.currentStop;
    if (!stop) return;
    const inMs = stop.deadlineMs - performance.now() - this.#options.checkpointMs;
    // A timer longer than 2^31-1 ms would fire at once.
    if (inMs >= 2 ** 31) return;
    this.#timer = setTimeout(() => this.#leave(), Math.max(0, inMs));
    this.#timer.unref();
  }

  /** The drain was undone. */
  resume(): void {
    clearTimeout(this.#timer);
  }

  #leave(): void {
    for (const { leaving } of this.#running.values()) leaving.abort();
  }

  async #race<T>(lease: Lease, work: () => Promise<T> | T): Promise<Ran<T>> {
    const cancelled = Promise.withResolvers<Ran<T>>();
    const stop = (): void => {
      const { code } = lease.signal.reason as LastcallError;
      cancelled.resolve({ how: code === 'ERR_LASTCALL_REVOKED' ? 'revoked' : 'returned' });
    };
    if (lease.signal.aborted) stop();
    else lease.signal.addEventListener('abort', stop, { once: true });
    const attempt = (async (): Promise<Ran<T>> => {
      try {
        return { how: 'completed', value: await work() };
      } catch (error) {
        // An error thrown because of the signal is no failure of the job.
        return lease.signal.aborted ? cancelled.promise : { how: 'failed', error };
      }
    })();
    return Promise.race([attempt, cancelled.promise]);
  }
}
