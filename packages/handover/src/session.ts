import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isPassing } from './errors.ts';
import { migrate } from './migrate.ts';
import type { Resolved } from './options.ts';

/** First key of the advisory lock (sessionLock, worker): free when the worker's session has ended. */
export const sessionLock = 0x1a57;
export const channel = 'handover';
const firstWaitMs = 50;

interface SessionEvents {
  /** There is a session; wake-ups may have been missed before it. */
  up: [];
  /** The database gave this worker up: what it owned belongs to others. It has a new number now. */
  buried: [];
  wake: [payload: string];
}

/** A connection, and the event of its end. */
interface Link {
  client: pg.Client;
  lost: Promise<void>;
}

/**
 * The one connection that lives as long as the worker: it listens, renews the lease in the
 * database's clock, and by its advisory lock others see at once that the process has gone.
 */
export class Session extends EventEmitter<SessionEvents> {
  readonly #options: Resolved;
  readonly #closed = new AbortController();
  readonly #whenClosed: Promise<never>;
  #link: Link | undefined;
  #worker: string | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: Resolved) {
    super();
    this.#options = options;
    const { signal } = this.#closed;
    this.#whenClosed = once(signal, 'abort').then(() => {
      throw signal.reason;
    });
    this.#whenClosed.catch(() => undefined);
  }

  /** The number of this worker, a bigint as text. Throws nothing: it is '0' before `open`. */
  get worker(): string {
    return this.#worker ?? '0';
  }

  get up(): boolean {
    return this.#link !== undefined;
  }

  /** Waits for the database, however long. Rejects where waiting cannot help. */
  async open(): Promise<void> {
    const connecting = this.#connect();
    this.#loop = connecting.then(
      (link) => this.#keep(link),
      () => undefined, // told by the line below
    );
    await connecting;
  }

  /** Leaves: what this worker still owns is others' at once. */
  async close(): Promise<void> {
    this.#closed.abort();
    const link = this.#link;
    if (link) {
      // A database that does not answer notices by the lease.
      await this.#ask(link, 'delete from handover.workers where id = $1', [this.worker]).catch(
        () => undefined,
      );
      await link.client.end().catch(() => undefined);
    }
    await this.#loop;
  }

  async #keep(first: Link): Promise<void> {
    let link = first;
    for (;;) {
      await this.#beatUntilLost(link);
      this.#link = undefined;
      void link.client.end().catch(() => undefined);
      if (this.#closed.signal.aborted) return;
      this.#options.say('the database connection is lost: connecting again');
      try {
        link = await this.#connect();
      } catch {
        return; // closed
      }
    }
  }

  /** Renews the lease ten times in its length, for as long as the connection answers. */
  async #beatUntilLost(link: Link): Promise<void> {
    const everyMs = this.#options.leaseMs / 10;
    const gone = new AbortController();
    const lost = link.lost.then(() => gone.abort());
    while (!gone.signal.aborted && !this.#closed.signal.aborted) {
      const pause = new AbortController();
      await Promise.race([lost, sleep(everyMs, undefined, { signal: pause.signal, ref: false })]);
      pause.abort();
      if (gone.signal.aborted || this.#closed.signal.aborted) break;
      try {
        const { rowCount } = await this.#ask(
          link,
          'update handover.workers set seen_at = clock_timestamp(), reported = false where id = $1',
          [this.worker],
        );
        if (rowCount === 0) return;
      } catch {
        return;
      }
    }
    await lost;
  }

  /** A query that fails when the connection has gone silent, as after a cut cable. */
  async #ask(link: Link, text: string, values: unknown[]): Promise<pg.QueryResult> {
    const pause = new AbortController();
    const silent = sleep(this.#options.leaseMs / 2, undefined, { signal: pause.signal }).then(
      () => {
        throw new Error('the database connection is silent');
      },
    );
    silent.catch(() => undefined);
    try {
      return await Promise.race([link.client.query(text, values), silent]);
    } finally {
      pause.abort();
    }
  }

  async #connect(): Promise<Link> {
    const { signal } = this.#closed;
    // A worker that finds the database again has to say so within its lease.
    const longestWaitMs = this.#options.leaseMs / 5;
    let told = '';
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      signal.throwIfAborted();
      try {
        // An attempt that nobody waits for any more ends what it has opened.
        const link = await Promise.race([this.#attempt(), this.#whenClosed]);
        if (told) this.#options.say('the database is there');
        return link;
      } catch (error) {
        // A worker that has been up waits for its database whatever it says: a password may come back.
        const isHopeless = !isPassing(error);
        if (isHopeless && (this.#worker === undefined || signal.aborted)) throw error;
        if (isHopeless) waitMs = this.#options.leaseMs;
        const reason = (error as Error).message || String(error);
        if (reason !== told) this.#options.say(`waiting for the database: ${reason}`);
        told = reason;
      }
      await sleep(waitMs, undefined, { signal });
    }
  }

  async #attempt(): Promise<Link> {
    await this.#options.beforeConnect?.();
    this.#closed.signal.throwIfAborted();
    const client = new pg.Client({
      connectionString: this.#options.connectionString,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'lastcall handover session',
    });
    const lost = new Promise<void>((resolve) => {
      client.on('error', () => resolve());
      client.on('end', () => resolve());
    });
    const before = this.#worker;
    try {
      await client.connect();
      this.#closed.signal.throwIfAborted();
      await migrate(client);
      await this.#join(client);
      // What is only true for a moment need not reach the disk; a restart counts as a sign of life.
      await client.query('set synchronous_commit = off');
      client.on('notification', ({ payload }) => this.emit('wake', payload ?? ''));
      await client.query(`listen ${channel}`);
      // Who closes now has found no connection to end.
      this.#closed.signal.throwIfAborted();
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#link = { client, lost };
    if (before !== undefined && before !== this.#worker) this.emit('buried');
    this.emit('up');
    return this.#link;
  }

  /** Takes this worker's number up again, or a new one when the old has been buried. */
  async #join(client: pg.Client): Promise<void> {
    if (this.#worker !== undefined) {
      const { rowCount } = await client.query(
        'update handover.workers set seen_at = clock_timestamp(), reported = false where id = $1',
        [this.#worker],
      );
      if (rowCount === 1) return lock(client, this.#worker);
    }
    const { rows } = await client.query<{ id: string }>(
      `select nextval('handover.worker_ids') as id`,
    );
    const id = rows[0]?.id ?? '0';
    // The lock comes first: a row without a held lock may be taken for a dead worker.
    await lock(client, id);
    await client.query(
      `insert into handover.workers (id, node, pid, lease) values ($1, $2, $3, $4 * interval '1 ms')`,
      [id, this.#options.node, process.pid, this.#options.leaseMs],
    );
    this.#worker = id;
  }
}

/** The second key is 32 bits wide; a clash after 2^31 workers only delays the notice of a death. */
async function lock(client: pg.Client, worker: string): Promise<void> {
  // An old session of ours that has not ended yet may hold it; sharing it is right.
  await client.query('select pg_advisory_lock_shared($1, ($2::bigint % 2147483647)::integer)', [
    sessionLock,
    worker,
  ]);
}
