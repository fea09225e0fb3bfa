import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Condition for SQL: no session holds the lock of the job `id` in the space `$1`. */
export const unheld = (id: string): string => `not exists (
  select from pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 2
    and l.database = (select oid from pg_database where datname = current_database())
    and l.classid = (hashtext($1)::bigint & 4294967295)::oid
    and l.objid = (hashtext(${id}::text)::bigint & 4294967295)::oid)`;

const reconnectMs = 100;
const lock = 'select pg_advisory_lock_shared(hashtext($1), hashtext($2))';
const unlock = 'select pg_advisory_unlock_shared(hashtext($1), hashtext($2))';

/**
 * Shows other processes which jobs run here, by locks of one database session: they end with the
 * process, however that ends. A job without its lock, seen so twice, has lost its worker.
 */
export class JobLocks {
  readonly #space: string;
  readonly #connectionString: string;
  readonly #held = new Set<string>();
  #client: pg.Client | undefined;
  #closed = false;
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

  async hold(id: string): Promise<void> {
    this.#held.add(id);
    await this.#ask((client) => client.query(lock, [this.#space, id]));
  }

  async drop(id: string): Promise<void> {
    if (!this.#held.delete(id)) return;
    // A session that is gone has dropped it already.
    await this.#ask((client) => client.query(unlock, [this.#space, id])).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#scanning;
    await this.#client?.end();
  }

  async #scan(
    list: (client: pg.Client, space: string) => Promise<string[]>,
    release: (ids: string[]) => Promise<void>,
  ): Promise<void> {
    try {
      const found = await this.#ask((client) => list(client, this.#space));
      if (!found) return;
      const orphans = found.filter((id) => this.#suspects.has(id) && !this.#held.has(id));
      this.#suspects = new Set(found);
      if (orphans.length > 0) await release(orphans);
    } catch {
      this.#suspects.clear(); // after a lost session everybody gets the time to take locks again
    }
  }

  /** One question after another: a client that is asked two at once is deprecated in pg 8. */
  #ask<T>(question: (client: pg.Client) => Promise<T>): Promise<T | undefined> {
    const answer = this.#last.then(() => (this.#client ? question(this.#client) : undefined));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#connectionString, keepAlive: true });
    client.on('error', () => undefined);
    await client.connect();
    client.on('end', () => {
      this.#client = undefined;
      this.#suspects.clear();
      if (!this.#closed) void this.#again();
    });
    this.#client = client;
    const held = [...this.#held];
    for (const id of held) await this.hold(id);
  }

  async #again(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#connect();
        return;
      } catch {
        await sleep(reconnectMs, undefined, { ref: false });
      }
    }
  }
}
