import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { Caretaker } from './caretaker.ts';
import { HandoverError } from './errors.ts';
import { Hub } from './hub.ts';
import { type HandoverOptions, resolve, type Resolved } from './options.ts';
import { type Deliver, Outbox } from './outbox.ts';
import type { Handler, HandlerOptions } from './runner.ts';
import { makePool, silentMs, warm } from './pool.ts';
import { Rounds } from './rounds.ts';
import { Session } from './session.ts';
import * as sql from './statements.ts';
import type { Tail, WorkState } from './tail.ts';
import type { AddOptions, Work } from './work.ts';
import { Workshop } from './workshop.ts';
import { Writer } from './writer.ts';

/** Work that outlives its worker. Made by `openHandover`. */
export class Handover {
  readonly #options: Resolved;
  readonly #pool: pg.Pool;
  /** Deliveries hold a connection each, and must not hold up the writes. */
  readonly #outboxPool: pg.Pool;
  readonly #session: Session;
  readonly #writer: Writer;
  readonly #hub: Hub;
  readonly #workshop: Workshop;
  readonly #caretaker: Caretaker;
  readonly #outbox: Outbox;
  readonly #rounds: Rounds;
  readonly #topics = new Map<string, (text: string | undefined) => void>();
  #closing: Promise<void> | undefined;

  constructor(options: Resolved) {
    this.#options = options;
    this.#pool = makePool(options, 'lastcall handover', 0, silentMs(options));
    this.#outboxPool = makePool(options, 'lastcall handover effects', 10_000);
    this.#session = new Session(options);
    this.#hub = new Hub(this.#pool);
    this.#writer = new Writer(
      this.#pool,
      () => this.#session.worker,
      options.gatherMs,
      (committed) => this.#hub.committed(committed),
    );
    this.#workshop = new Workshop(this.#pool, this.#session, this.#writer, options);
    this.#caretaker = new Caretaker(this.#pool, options);
    this.#outbox = new Outbox(this.#outboxPool, options.say);
    this.#rounds = new Rounds({
      session: this.#session,
      caretaker: this.#caretaker,
      workshop: this.#workshop,
      outbox: this.#outbox,
    });
  }

  /** The number of this worker, never used twice in this database. */
  get worker(): string {
    return this.#session.worker;
  }

  /** Whether the database answers; for readiness. */
  get connected(): boolean {
    return this.#session.up;
  }

  /** Works that run in this worker. */
  get running(): number {
    return this.#workshop.running;
  }

  /** Used by `openHandover`. */
  async open(): Promise<void> {
    this.#session.on('wake', (payload) => this.#wake(payload));
    this.#session.on('up', () => this.#catchUp());
    const { lifecycle } = this.#options;
    // First: a stop also ends the wait for a database that is down.
    lifecycle?.onClose('handover', () => this.close());
    await this.#session.open();
    await this.#rounds.also(() => warm(this.#pool, this.#options));
    if (this.#closing) throw new HandoverError('ERR_HANDOVER_CLOSED', 'Closed while it opened.');
    this.#rounds.begin();
    if (!lifecycle) return;
    const drain = (): Promise<void> => {
      const deadlineMs = lifecycle.currentStop?.deadlineMs ?? performance.now();
      return this.drain(deadlineMs - performance.now());
    };
    lifecycle.onDrain('handover', drain);
    // A drain that began while the database was away has told its hooks already.
    if (lifecycle.state === 'draining') await drain();
    lifecycle.onResume('handover', () => this.resume());
    // The supervisor has seen a sibling end.
    lifecycle.events.on('died', (pid) => {
      this.reportDead({ pid }).catch(() => undefined); // found by the lease
    });
  }

  /** Does works of this kind in this worker. Throws `ERR_HANDOVER_OPTION` for a second handler. */
  handle<Input, State>(
    kind: string,
    run: Handler<Input, State>,
    options: HandlerOptions = {},
  ): void {
    this.#workshop.handle(kind, run as Handler, options);
  }

  /** Adds a work; once this resolves it is durable. Returns its id. */
  async add(kind: string, input: unknown, options: AddOptions = {}): Promise<string> {
    const { id = randomUUID(), delayMs = 0, maxAttempts = 3, maxLosses = 10, client } = options;
    const text = JSON.stringify(input ?? null);
    if (options.here && !client && this.#workshop.accepts(kind)) {
      const values = [id, kind, text, maxAttempts, maxLosses];
      if (await this.#workshop.addHere(kind, values)) return id;
    }
    const values = [id, kind, text, maxAttempts, maxLosses, delayMs];
    await (client ?? this.#pool).query({ name: 'handover-add', text: sql.add, values });
    return id;
  }

  /**
   * Reads the events of a work after number `after` (default 0), and on until it has ended: every
   * event once and in order, whoever writes them. Throws `ERR_HANDOVER_UNKNOWN` (404),
   * `ERR_HANDOVER_EXPIRED` (410), `ERR_HANDOVER_PAST_END` (400); while reading, `ERR_HANDOVER_EXPIRED`
   * for a reader that retention has overtaken and `ERR_HANDOVER_CLOSED` when this worker closes.
   */
  read(id: string, options: { after?: number; signal?: AbortSignal } = {}): Promise<Tail> {
    return this.#hub.open(id, options.after ?? 0, options.signal);
  }

  /** What is known of a work; with `client`, as its transaction sees it. Throws `ERR_HANDOVER_UNKNOWN`. */
  async get(id: string, client?: pg.ClientBase): Promise<Work> {
    const [work] = await this.list([id], client);
    if (!work)
      throw new HandoverError('ERR_HANDOVER_UNKNOWN', `Work ${id}: there is none.`, { id });
    return work;
  }

  /** What is known of several works, in their order; unknown ones are left out. `client` as in `get`. */
  async list(ids: readonly string[], client?: pg.ClientBase): Promise<Work[]> {
    const { rows } = await (client ?? this.#pool).query<Work>(sql.list, [ids]);
    return rows;
  }

  /** Works of a kind by state, over all workers; ended ones for as long as they are kept. */
  async counts(kind: string): Promise<Record<WorkState, number>> {
    const counts = { waiting: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
    const { rows } = await this.#pool.query<{ state: WorkState; n: number }>(sql.counts, [kind]);
    for (const { state, n } of rows) counts[state] = n;
    return counts;
  }

  /**
   * Tells every worker, this one as well, a short text (at most 4 kB) on a topic; with `client`, when
   * its transaction commits. It is a wake-up and may be missed: see `listen`.
   */
  async tell(topic: string, text: string, client?: pg.ClientBase): Promise<void> {
    await (client ?? this.#pool).query(sql.tell, [topic, text]);
  }

  /**
   * Hears what workers tell on a topic. Called with `undefined` after the connection has been made
   * anew: something may have been missed.
   */
  listen(topic: string, heard: (text: string | undefined) => void): void {
    this.#topics.set(topic, heard);
  }

  /**
   * Cancels a work, for good: one that waits has ended, one that runs is told by its signal, here or
   * elsewhere, now or after a restart. Returns false when it had ended. Throws `ERR_HANDOVER_UNKNOWN`.
   */
  async cancel(id: string, reason = 'cancelled'): Promise<boolean> {
    const { rowCount } = await this.#pool.query(sql.cancel, [id, reason]);
    if (rowCount === 0) await this.get(id);
    return rowCount !== 0;
  }

  /** Delivers effects of a kind from this worker, so many at once. Failed ones are tried again. */
  onEffect(kind: string, deliver: Deliver, options: { concurrency?: number } = {}): void {
    this.#outbox.on(kind, deliver, options.concurrency ?? 1);
  }

  /**
   * Tells that a process of a node has ended, so that its work goes on at once. A wrong report does
   * no harm: a worker is only given up when its session has ended as well.
   */
  async reportDead(dead: { node?: string; pid: number }): Promise<void> {
    await this.#pool.query(sql.reportDead, [dead.node ?? this.#options.node, dead.pid]);
    await this.#caretaker.bury();
  }

  /** Claims nothing more and gives away what runs. A lifecycle calls this by itself. */
  drain(deadlineInMs: number): Promise<void> {
    return this.#workshop.drain(deadlineInMs);
  }

  /** Undoes `drain`. A lifecycle calls this by itself. */
  resume(): Promise<void> {
    return this.#workshop.resume();
  }

  /** Puts back what still runs, ends the readers, and closes every connection. A lifecycle calls this by itself. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#caretaker.close();
      await this.#rounds.end();
      await this.#workshop.close();
      await this.#outbox.close();
      await this.#hub.close();
      await this.#writer.close();
      await this.#session.close();
      await Promise.all([this.#pool.end(), this.#outboxPool.end()]);
    })();
    return this.#closing;
  }

  #wake(payload: string): void {
    const rest = payload.slice(2);
    switch (payload[0]) {
      case 'e':
        this.#hub.wake(payload);
        break;
      case 'w':
        void this.#workshop.claim(rest);
        break;
      case 's':
        void this.#workshop.answer(rest);
        break;
      case 'a':
        if (rest === this.worker) void this.#workshop.look();
        break;
      case 'c':
        this.#workshop.acknowledged(rest);
        break;
      case 'd':
        void this.#rounds.also(() => this.#caretaker.bury());
        break;
      case 'o':
        this.#outbox.wake();
        break;
      case 't': {
        const [topic = ''] = rest.split(' ', 1);
        this.#topics.get(topic)?.(rest.slice(topic.length + 1));
        break;
      }
      default: // a newer version's wake-up
    }
  }

  /** Wake-ups may have been missed. */
  #catchUp(): void {
    this.#hub.wakeAll();
    this.#outbox.wake();
    for (const heard of this.#topics.values()) heard(undefined);
    void this.#rounds.now();
  }
}

/**
 * Joins the workers on a PostgreSQL database. Waits for a database that is down, saying so; until it
 * resolves the service is not ready. Throws `ERR_HANDOVER_OPTION`, `ERR_HANDOVER_NEWER`, and what the
 * database says where waiting cannot help (a wrong password).
 */
export async function openHandover(options: HandoverOptions): Promise<Handover> {
  const handover = new Handover(resolve(options));
  try {
    await handover.open();
  } catch (error) {
    await handover.close().catch(() => undefined);
    throw error;
  }
  return handover;
}
