import type pg from 'pg';
import { isPassing } from './errors.ts';
import type { Resolved } from './options.ts';
import * as sql from './statements.ts';

const retentionLock = 0x1a57_0002;

/** One sweep at a time over all workers; each statement stands for itself. $1, $2: see `sweep`. */
const trimEnded = `
with old as (
  select num from handover.works
  where ended_at < clock_timestamp() - $1::float8 * interval '1 ms' and first_seq <= last_seq
  order by ended_at limit 1000
), cut as (delete from handover.chunks c using old o where c.work = o.num)
update handover.works w set first_seq = last_seq + 1, bytes = 0 from old o where w.num = o.num`;

/** Of a work that runs, nothing after its checkpoint goes: its next owner needs it. */
const trimLarge = `
with large as (
  select num from handover.works where bytes > $1::bigint and first_seq <= last_seq
  order by num limit 100 for update skip locked
), sized as (
  select c.work, c.last, c.bytes, sum(c.bytes) over (partition by c.work order by c.last desc) as kept
  from handover.chunks c join large l on l.num = c.work
), old as (
  select s.work, s.last, s.bytes from sized s join handover.works w on w.num = s.work
  where s.kept > $1::bigint and (w.ended_at is not null or s.last <= w.checkpoint_seq)
), cut as (delete from handover.chunks c using old o where c.work = o.work and c.last = o.last)
update handover.works w set first_seq = o.last + 1, bytes = w.bytes - o.bytes
from (select work, max(last) as last, sum(bytes) as bytes from old group by work) o where w.num = o.work`;

const forgetEnded = `
delete from handover.works where num in (
  select num from handover.works
  where ended_at < clock_timestamp() - $1::float8 * interval '1 ms' order by ended_at limit 1000)`;

const forgetEffects = `
delete from handover.effects where delivered_at < clock_timestamp() - $1::float8 * interval '1 ms'`;

/** Retention may take longer than a silent connection is given. */
const slow = (text: string, value: number): pg.QueryConfig & { query_timeout: number } => ({
  text,
  values: [value],
  query_timeout: 60_000,
});

/** Buries dead workers, gives their works back to the queue, and lets go of what is too old. */
export class Caretaker {
  readonly #pool: pg.Pool;
  readonly #options: Resolved;
  #sweeping: Promise<void> | undefined;
  #breakOff: (() => void) | undefined;

  constructor(pool: pg.Pool, options: Resolved) {
    this.#pool = pool;
    this.#options = options;
  }

  /** Every worker does this for all; each statement is right whoever else runs it. */
  async bury(): Promise<void> {
    try {
      const { rows } = await this.#pool.query<{ id: string; node: string; pid: number }>({
        name: 'handover-bury',
        text: sql.bury,
      });
      await this.#pool.query({ name: 'handover-release', text: sql.release });
      await this.#pool.query({ name: 'handover-forget', text: sql.forget });
      for (const { id, node, pid } of rows)
        this.#options.say(`worker ${id} (process ${pid} on ${node}) is gone: others have its work`);
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Retention, by age and by size. It may take long: none is begun beside another. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** Breaks off a sweep: what it has done is undone, and another worker's does it. */
  close(): void {
    this.#breakOff?.();
  }

  async #sweep(): Promise<void> {
    const closed = Promise.withResolvers<never>();
    closed.promise.catch(() => undefined);
    this.#breakOff = () => closed.reject(new Error('The connection is closed.'));
    let client: pg.PoolClient | undefined;
    try {
      client = await this.#pool.connect();
      await Promise.race([this.#trim(client), closed.promise]);
      client.release();
    } catch (error) {
      client?.release(true);
      this.#complain(error);
    }
  }

  async #trim(client: pg.PoolClient): Promise<void> {
    const { keepEventsMs, keepEventsBytes, keepWorkMs } = this.#options;
    await client.query('begin');
    const { rows } = await client.query<{ mine: boolean }>(
      'select pg_try_advisory_xact_lock($1) as mine',
      [retentionLock],
    );
    if (rows[0]?.mine) {
      await client.query(slow(trimEnded, keepEventsMs));
      await client.query(slow(trimLarge, keepEventsBytes));
      await client.query(slow(forgetEnded, keepWorkMs));
      await client.query(slow(forgetEffects, keepWorkMs));
    }
    await client.query('commit');
  }

  #complain(error: unknown): void {
    if (!isPassing(error)) this.#options.say(`handover: ${(error as Error).message}`);
  }
}
