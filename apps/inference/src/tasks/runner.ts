import { setTimeout as sleep } from 'node:timers/promises';
import { type Lease, LastcallError, type Lifecycle } from 'lastcall';
import type { ModelProvider } from '../model/provider.ts';
import { ModelError } from '../model/provider.ts';
import type { Session } from '../storage/session.ts';
import type { Task, TaskResult, TaskStore } from './store.ts';
import { WakeUp } from './wake-up.ts';

/** Notifications wake the runner; this is for one that got lost, and for the tasks of dead workers. */
const fallbackMs = 5_000;
const writeRetryMs = 500;

export interface RunnerParts {
  readonly lifecycle: Lifecycle;
  readonly session: Session;
  readonly store: TaskStore;
  readonly provider: ModelProvider;
  /** Tasks run side by side. */
  readonly concurrency: number;
  readonly say: (line: string) => void;
}

interface Running {
  readonly lease: Lease;
  /** Aborts when the database session is lost: the task may have another owner already. */
  readonly fenced: AbortController;
  revoked: boolean;
}

/** Takes tasks from the queue and runs them, until the lifecycle drains. */
export class TaskRunner {
  readonly #parts: RunnerParts;
  readonly #running = new Map<string, Running>();
  readonly #wakeUp = new WakeUp();
  #fetching = false;
  #closed = false;
  #loops: Promise<void>[] = [];
  #fallback: NodeJS.Timeout | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    parts.session.on('notification', (payload) => this.#notified(payload));
    parts.session.on('up', () => void this.#recover());
    parts.session.on('down', () => {
      for (const { fenced } of this.#running.values()) fenced.abort();
    });
  }

  start(): void {
    this.#fetching = true;
    this.#loops = Array.from({ length: this.#parts.concurrency }, () => this.#loop());
    this.#fallback = setInterval(() => void this.#recover(), fallbackMs).unref();
    void this.#recover();
  }

  /** Takes no further task; those that run go on. */
  pause(): void {
    this.#fetching = false;
  }

  resume(): void {
    this.#fetching = true;
    this.#wakeUp.call();
  }

  /** Resolves when nothing of the runner touches the database any more. */
  async close(): Promise<void> {
    this.#fetching = false;
    this.#closed = true;
    clearInterval(this.#fallback);
    this.#wakeUp.call();
    await Promise.all(this.#loops);
  }

  #notified(payload: string): void {
    const [status, id = ''] = payload.split(':');
    if (status === 'queued') this.#wakeUp.call();
    const running = status === 'revoked' ? this.#running.get(id) : undefined;
    if (!running) return;
    running.revoked = true;
    running.lease.cancel(
      new LastcallError('ERR_LASTCALL_REVOKED', `Task ${id} was revoked.`, { id }),
    );
  }

  async #recover(): Promise<void> {
    try {
      const count = this.#fetching ? await this.#parts.store.recover() : 0;
      if (count > 0)
        this.#parts.say(`${count} task(s) of a worker that died are back in the queue`);
    } catch {
      // Without a database there is nothing to recover; the session tells when it is back.
    }
    this.#wakeUp.call();
  }

  async #loop(): Promise<void> {
    while (!this.#closed) {
      const woken = this.#wakeUp.next();
      const taken = this.#fetching ? await this.#take() : undefined;
      if (taken) await this.#run(taken.task, taken.lease, taken.owner);
      else await woken;
    }
  }

  async #take(): Promise<{ task: Task; lease: Lease; owner: number } | undefined> {
    const { owner } = this.#parts.session;
    if (owner === undefined) return undefined;
    let lease: Lease | undefined;
    try {
      const claimed = await this.#parts.store.claim(owner, () => {
        const answer = this.#parts.lifecycle.admit({ kind: 'task' });
        return answer.admitted ? (lease = answer) : undefined;
      });
      return claimed && { ...claimed, owner };
    } catch {
      // Whether the claim was committed or not, the task is in the queue or will be recovered to it.
      lease?.end('handed_over');
      return undefined;
    }
  }

  async #run(task: Task, lease: Lease, owner: number): Promise<void> {
    const running: Running = { lease, fenced: new AbortController(), revoked: false };
    this.#running.set(task.id, running);
    if (this.#parts.session.owner !== owner) running.fenced.abort();
    try {
      const signal = AbortSignal.any([lease.signal, running.fenced.signal]);
      const result = await this.#generate(task, signal);
      const { store } = this.#parts;
      if (result) {
        const kept = await this.#persist(owner, () => store.finish(task.id, owner, result));
        if (kept) lease.end(result.status === 'done' ? 'completed' : 'failed');
        else lease.end(running.revoked ? 'cancelled' : 'handed_over');
      } else {
        if (!running.revoked) await this.#persist(owner, () => store.handBack(task.id, owner));
        lease.end(running.revoked ? 'cancelled' : 'handed_over');
      }
    } finally {
      this.#running.delete(task.id);
    }
  }

  /** `undefined` when the task was stopped before its end. */
  async #generate(task: Task, signal: AbortSignal): Promise<TaskResult | undefined> {
    try {
      let output = '';
      let usage = { input_tokens: 0, output_tokens: 0 };
      for await (const part of await this.#parts.provider.start(task.request, signal)) {
        if (part.type === 'delta') output += part.text;
        else usage = { input_tokens: part.inputTokens, output_tokens: part.outputTokens };
      }
      return { status: 'done', output, usage };
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof ModelError)) this.#parts.say(`task ${task.id}: ${String(error)}`);
      const { message } = error as Error;
      const code = error instanceof ModelError ? error.code : 'server_error';
      return { status: 'failed', error: { code, message } };
    }
  }

  /** Writes until it holds or this owner is no more; then the task is recovered by its successor. */
  async #persist(owner: number, write: () => Promise<boolean>): Promise<boolean> {
    while (this.#parts.session.owner === owner) {
      try {
        return await write();
      } catch {
        await sleep(writeRetryMs);
      }
    }
    return false;
  }
}
