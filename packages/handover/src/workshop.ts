import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { Doubts } from './doubts.ts';
import { HandoverError, isPassing } from './errors.ts';
import { type Claimed, Job } from './job.ts';
import type { Resolved } from './options.ts';
import {
  type Handler,
  type HandlerOptions,
  handlerDefaults,
  runJob,
  type Trade,
} from './runner.ts';
import type { Session } from './session.ts';
import * as sql from './statements.ts';
import { readTails } from './read-tails.ts';
import type { Event } from './tail.ts';
import type { Writer } from './writer.ts';

const acknowledgeMs = 1_000;

/** Claims works for the handlers of this worker, runs them, and gives them away when it drains. */
export class Workshop {
  readonly #pool: pg.Pool;
  readonly #session: Session;
  readonly #writer: Writer;
  readonly #options: Resolved;
  readonly #trades = new Map<string, Trade>();
  readonly #jobs = new Map<string, Job>();
  /** Claimed as the drain began: their way back to the queue is being written. */
  readonly #refused = new Set<string>();
  readonly #doubts: Doubts;
  readonly #runs = new Set<Promise<void>>();
  readonly #acks = new Map<string, () => void>();
  readonly #claiming = new Map<string, { again: boolean; done: Promise<void> }>();
  readonly #answering = new Set<Promise<void>>();
  #draining = false;
  #putBack: NodeJS.Timeout | undefined;

  constructor(pool: pg.Pool, session: Session, writer: Writer, options: Resolved) {
    this.#pool = pool;
    this.#session = session;
    this.#writer = writer;
    this.#options = options;
    this.#doubts = new Doubts(
      pool,
      () => session.worker,
      () => [...this.#jobs.keys(), ...this.#refused],
    );
    session.on('buried', () => {
      for (const job of this.#jobs.values())
        job.abort(
          new HandoverError(
            'ERR_HANDOVER_FENCED',
            `Work ${job.id}: this worker was silent for too long, and others have it.`,
          ),
        );
    });
  }

  get kinds(): Iterable<string> {
    return this.#trades.keys();
  }

  get running(): number {
    return this.#jobs.size;
  }

  handle(kind: string, run: Handler, options: HandlerOptions): void {
    if (this.#trades.has(kind))
      throw new HandoverError('ERR_HANDOVER_OPTION', `Kind ${kind}: it has a handler already.`);
    this.#trades.set(kind, { kind, run, options: { ...handlerDefaults, ...options }, running: 0 });
    void this.claim(kind);
  }

  /** Whether a new work of this kind may begin here now. */
  accepts(kind: string): boolean {
    return !this.#draining && this.#session.up && this.#trades.has(kind);
  }

  /** Adds and claims a work in one step, and runs it. Returns false when there is one of this id. */
  addHere(kind: string, values: unknown[]): Promise<boolean> {
    return this.#doubts.during(async () => {
      const { rows } = await this.#pool.query<Claimed>({
        name: 'handover-add-here',
        text: sql.addHere,
        values: [this.#session.worker, ...values],
      });
      if (rows[0]) this.#start(this.#trades.get(kind) as Trade, rows[0], []);
      return rows[0] !== undefined;
    });
  }

  /** Gives back what this worker owns and does not run; `everything`: looks for it as well. */
  async settle(everything: boolean): Promise<void> {
    try {
      if (everything) await this.#doubts.look();
      await this.#doubts.settle();
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Claims as much of this kind as there is room for. Calls during a claim make one more. */
  claim(kind: string): Promise<void> {
    const under = this.#claiming.get(kind);
    if (under) {
      under.again = true;
      return under.done;
    }
    const round = { again: false, done: Promise.resolve() };
    this.#claiming.set(kind, round);
    round.done = (async () => {
      do {
        round.again = false;
        await this.#doubts
          .during(() => this.#claimOnce(kind))
          .catch((error: unknown) => this.#complain(error));
      } while (round.again);
      this.#claiming.delete(kind);
    })();
    return round.done;
  }

  /** Answers what draining workers offer, as far as there is room. */
  async answer(kind: string): Promise<void> {
    const trade = this.#trades.get(kind);
    if (!trade || !this.accepts(kind)) return;
    const free = trade.options.concurrency - trade.running;
    if (free <= 0) return;
    const values = [this.#session.worker, kind, free];
    const answering = this.#pool
      .query({ name: 'handover-answer', text: sql.answer, values })
      .then(
        () => undefined,
        (error: unknown) => this.#complain(error),
      )
      .finally(() => this.#answering.delete(answering));
    this.#answering.add(answering);
    await answering;
  }

  /** Looks at what others want of the works that run here. */
  async look(): Promise<void> {
    if (this.#jobs.size === 0) return;
    try {
      const { rows } = await this.#pool.query<{
        num: string;
        cancel_reason: string | null;
        answered: boolean;
      }>({ name: 'handover-look', text: sql.look, values: [this.#session.worker] });
      for (const { num, cancel_reason: reason, answered } of rows) {
        const job = this.#jobs.get(num);
        if (reason !== null) job?.abort(cancelled(job.id, reason));
        else if (answered) job?.leave(true);
      }
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Another worker has claimed this work. */
  acknowledged(num: string): void {
    this.#acks.get(num)?.();
  }

  /** Claims nothing more, and offers what runs to others; what nobody takes is put back in time. */
  async drain(deadlineInMs: number): Promise<void> {
    this.#draining = true;
    const inMs = Math.max(0, deadlineInMs - this.#options.putBackMs);
    clearTimeout(this.#putBack);
    if (inMs < 2 ** 31)
      this.#putBack = setTimeout(() => {
        for (const job of this.#jobs.values()) job.leave(false);
      }, inMs);
    this.#putBack?.unref();
    await Promise.all([
      ...[...this.#claiming.values()].map(({ done }) => done),
      ...this.#answering,
    ]);
    await this.#query(sql.solicit);
    await this.#query(sql.unanswer);
  }

  /** The drain was undone. What has been asked to leave still leaves. */
  async resume(): Promise<void> {
    this.#draining = false;
    clearTimeout(this.#putBack);
    await this.#query(sql.withdraw);
    for (const kind of this.#trades.keys()) void this.claim(kind);
  }

  /** Puts back what still runs, and waits until that is durable. */
  async close(): Promise<void> {
    this.#draining = true;
    clearTimeout(this.#putBack);
    await Promise.all([...this.#claiming.values()].map(({ done }) => done));
    for (const job of this.#jobs.values())
      job.abort(new HandoverError('ERR_HANDOVER_PASSED', `Work ${job.id}: this worker closes.`));
    await Promise.all([...this.#runs, ...this.#answering]);
    // Without a database the lease tells the others, and they forget what was answered.
    if (!this.#session.up) return;
    await this.settle(false);
    if (this.#trades.size > 0) await this.#query(sql.unanswer);
  }

  async #claimOnce(kind: string): Promise<void> {
    const trade = this.#trades.get(kind);
    if (!trade || !this.accepts(kind)) return;
    // What this worker answered for is taken even where its places have filled since.
    const free = Math.max(0, trade.options.concurrency - trade.running);
    const { rows } = await this.#pool.query<Claimed>({
      name: 'handover-claim',
      text: sql.claim,
      values: [this.#session.worker, kind, free],
    });
    const tails = await readTails(this.#pool, rows).catch((error: unknown) => {
      this.#doubts.raise();
      throw error;
    });
    for (const claimed of rows) this.#start(trade, claimed, tails.get(claimed.num) ?? []);
  }

  #start(trade: Trade, claimed: Claimed, tail: Event[]): void {
    const job = new Job(claimed, tail, {
      writer: this.#writer,
      limits: this.#options,
      deterministic: trade.options.deterministic,
    });
    const { lifecycle } = this.#options;
    const admission = lifecycle?.admit({ kind: trade.options.leaseKind, label: trade.kind });
    if (admission && !admission.admitted) {
      // The drain began while the claim was on its way.
      this.#refused.add(job.hold.num);
      void job
        .finish({ state: 'waiting' })
        .catch(() => this.#doubts.raise())
        .finally(() => this.#refused.delete(job.hold.num));
      return;
    }
    if (claimed.cancel_reason !== null) job.abort(cancelled(job.id, claimed.cancel_reason));
    trade.running += 1;
    this.#jobs.set(job.hold.num, job);
    const run = runJob(job, trade, admission, () => this.#acknowledgement(job.hold.num)).finally(
      () => {
        if (this.#jobs.get(job.hold.num) === job) this.#jobs.delete(job.hold.num);
        if (!job.end) this.#doubts.raise();
        trade.running -= 1;
        this.#runs.delete(run);
        void this.claim(trade.kind);
      },
    );
    this.#runs.add(run);
    // A work that began while the drain did is offered as well.
    if (this.#draining) void this.#query(sql.solicit);
  }

  /** A statement about this worker; one that fails is made up for by a later look or by the lease. */
  async #query(text: string): Promise<void> {
    await this.#pool
      .query(text, [this.#session.worker])
      .catch((error: unknown) => this.#complain(error));
  }

  /** The pass is durable already; waiting for the successor only tells a quick one from a slow one. */
  async #acknowledgement(num: string): Promise<void> {
    const pause = new AbortController();
    const ack = new Promise<void>((resolve) => this.#acks.set(num, resolve));
    await Promise.race([
      ack,
      sleep(acknowledgeMs, undefined, { signal: pause.signal }).catch(() => undefined),
    ]);
    pause.abort();
    this.#acks.delete(num);
  }

  #complain(error: unknown): void {
    if (!isPassing(error)) this.#options.say(`handover: ${(error as Error).message}`);
  }
}

const cancelled = (id: string, reason: string): HandoverError =>
  new HandoverError('ERR_HANDOVER_CANCELLED', `Work ${id} was cancelled: ${reason}`, {
    id,
    reason,
  });
