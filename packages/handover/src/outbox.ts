import type pg from 'pg';
import { isPassing } from './errors.ts';

/** An effect to deliver. */
export interface Delivery {
  /** Stable over every try: give it to the receiver, so that it can tell a second try. */
  id: string;
  kind: string;
  payload: unknown;
  /** Tries before this one. */
  attempts: number;
}

/**
 * Delivers one effect. It runs inside a transaction of `client` that marks the effect delivered: what
 * it writes through `client` happens exactly once, anything else at least once.
 */
export type Deliver = (delivery: Delivery, client: pg.PoolClient) => unknown;

const take = `
select num, id, kind, payload, attempts from handover.effects
where kind = $1 and delivered_at is null and available_at <= clock_timestamp()
order by available_at for update skip locked limit 1`;

/** The lock of a delivery is its transaction: it ends with the process that made it. */
export class Outbox {
  readonly #pool: pg.Pool;
  readonly #say: (line: string) => void;
  readonly #routes = new Map<string, { deliver: Deliver; concurrency: number; running: number }>();
  readonly #runs = new Set<Promise<void>>();
  #closed = false;

  constructor(pool: pg.Pool, say: (line: string) => void) {
    this.#pool = pool;
    this.#say = say;
  }

  on(kind: string, deliver: Deliver, concurrency: number): void {
    this.#routes.set(kind, { deliver, concurrency, running: 0 });
    this.wake();
  }

  /** Something may be waiting. */
  wake(): void {
    if (this.#closed) return;
    for (const [kind, route] of this.#routes)
      while (route.running < route.concurrency) {
        route.running += 1;
        const run = this.#drain(kind, route.deliver).finally(() => {
          route.running -= 1;
          this.#runs.delete(run);
        });
        this.#runs.add(run);
      }
  }

  /** Takes no more, and waits for what is being delivered. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#runs);
  }

  async #drain(kind: string, deliver: Deliver): Promise<void> {
    while (!this.#closed) if (!(await this.#one(kind, deliver))) return;
  }

  /** Returns whether there was one. */
  async #one(kind: string, deliver: Deliver): Promise<boolean> {
    let client: pg.PoolClient | undefined;
    try {
      client = await this.#pool.connect();
      await client.query('begin');
      const { rows } = await client.query<Delivery & { num: string }>(take, [kind]);
      const row = rows[0];
      if (row) {
        const { num, ...delivery } = row;
        await client.query('savepoint delivery');
        try {
          await deliver(delivery, client);
          await client.query(
            'update handover.effects set delivered_at = clock_timestamp() where num = $1',
            [num],
          );
        } catch (error) {
          await client.query('rollback to savepoint delivery');
          await client.query(
            `update handover.effects set attempts = attempts + 1,
               available_at = clock_timestamp() + least(60, 2 ^ least(attempts, 10)) * interval '1 s'
             where num = $1`,
            [num],
          );
          this.#say(`effect ${row.id} was not delivered: ${(error as Error).message}`);
        }
      }
      await client.query('commit');
      client.release();
      return row !== undefined;
    } catch (error) {
      client?.release(true);
      if (!isPassing(error)) this.#say(`handover: ${(error as Error).message}`);
      return false;
    }
  }
}
