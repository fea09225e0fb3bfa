import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Condition for SQL: no session holds the lock of the job `id` in the space `$1`. */
export const unheld = (id: string): string => `not exists (
  select from pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 2
    and l.database = (select oid from pg_database where datname = current_database())
    and l.classid = (hashtext($1)::bigint & 4294967295)::oid
    and l.objid = (hashtext(${id}::text)::bigint & 4294967295)::oid)`;

const reconnectMs = 100;
const connectMs = 5_000;
const lock = 'select pg_advisory_lock_shared(hashtext($1), hashtext($2))';
const unlock = 'select pg_advisory_unlock_shared(hashtext($1), hashtext($2))';

interface Session {
  readonly client: pg.Client;
  /** What this session has locked: each job once, however often it is asked for. */
  readonly locked: Set<string>;
}

/** A refusal by a server that goes on; anything else ends the session. */
const isRefusal = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && !error.code?.startsWith('57P');

/**
 * Shows other processes which jobs run here, by locks of one database session: they end with the
 * process, however that ends. A job without its lock, seen so twice, has lost its worker.
 */
export class JobLocks {
  readonly #space: string;
  readonly #connectionString: string;
  /** How many runs of each job there are here. */
  readonly #held = new Map<string, number>();
  readonly #closing = new AbortController();
  #session: Session | undefined;
  #connecting: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #suspects = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> | undefined;

  constructor(connectionString: string, space: string) {
    this.#connectionString = connectionString;
    this.#space = space;
  }

  /** `list` gives the running jobs that nobody holds, `release` returns those that have lost their worker. */
  async open(
    everyMs: number,
    list: (client: pg.Client, space: string) => Promise<string[]>,
    release: (ids: string[]) => Promise<void>,
  ): Promise<void> {
    await this.#connect();
    const schedule = (): void => {
      this.#timer = setTimeout(() => {
        this.#scanning = this.#scan(list, release).then(() => {
          if (!this.#closed) schedule();
        });
      }, everyMs);
      this.#timer.unref();
    };
    schedule();
  }

  /** Every `hold` needs its `drop`, also one that throws. */
  async hold(id: string): Promise<void> {
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
    try {
      await this.#match(id);
    } catch (error) {
      // A session that breaks here is replaced, and the next one takes the lock.
      if (isRefusal(error)) throw error;
    }
  }

  async drop(id: string): Promise<void> {
    const rest = (this.#held.get(id) ?? 0) - 1;
    if (rest > 0) this.#held.set(id, rest);
    else this.#held.delete(id);
    // A session that is gone has dropped it already.
    await this.#match(id).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#scanning;
    await this.#connecting;
    await this.#session?.client.end();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #scan(
    list: (client: pg.Client, space: string) => Promise<string[]>,
    release: (ids: string[]) => Promise<void>,
  ): Promise<void> {
    try {
      const found = await this.#ask(({ client }) => list(client, this.#space));
      if (!found) return;
      const orphans = found.filter((id) => this.#suspects.has(id) && !this.#held.has(id));
      this.#suspects = new Set(found);
      if (orphans.length > 0) await release(orphans);
    } catch {
      this.#suspects.clear(); // after a lost session everybody gets the time to take locks again
    }
  }

  /** Locks or unlocks a job in the session there is, by whether it is held when its turn comes. */
  async #match(id: string): Promise<void> {
    await this.#ask(async ({ client, locked }) => {
      const held = this.#held.has(id);
      if (held === locked.has(id)) return;
      await client.query(held ? lock : unlock, [this.#space, id]);
      if (held) locked.add(id);
      else locked.delete(id);
    });
  }

  /** One question after another: a client that is asked two at once is deprecated in pg 8. */
  #ask<T>(question: (session: Session) => Promise<T>): Promise<T | undefined> {
    const answer = this.#last.then(() => (this.#session ? question(this.#session) : undefined));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#connectionString,
      connectionTimeoutMillis: connectMs,
      keepAlive: true,
    });
    client.on('error', () => undefined);
    await client.connect();
    if (this.#closed) return client.end();
    client.on('end', () => this.#lose(client));
    this.#session = { client, locked: new Set() };
    try {
      for (const id of this.#held.keys()) await this.#match(id);
    } catch (error) {
      this.#lose(client);
      await client.end();
      throw error;
    }
  }

  #lose(client: pg.Client): void {
    if (this.#session?.client !== client) return;
    this.#session = undefined;
    this.#suspects.clear();
    this.#connecting ??= this.#again().finally(() => {
      this.#connecting = undefined;
    });
  }

  async #again(): Promise<void> {
    while (!this.#closed && !this.#session) {
      try {
        await this.#connect();
      } catch {
        const { signal } = this.#closing;
        await sleep(reconnectMs, undefined, { ref: false, signal }).catch(() => undefined);
      }
    }
  }
}
