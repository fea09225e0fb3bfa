import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { HandoverError, isPassing } from './errors.ts';
import { type Event, expired, Tail, type WorkState } from './tail.ts';
import { advancesOf } from './wake.ts';
import type { Committed } from './writer.ts';

/** Chunks given to one reader by one look at the database. */
const chunksAtOnce = 64;

/** What is new for many readers, and how far each stream is, in one snapshot. */
export const fetchStatement = `
select s.ordinality::integer - 1 as at, w.state, w.last_seq, w.first_seq, c.first, c.body
from unnest($1::bigint[], $2::bigint[]) with ordinality as s (num, after)
left join handover.works w on w.num = s.num
left join lateral (
  select first, last, body from handover.chunks
  where work = s.num and last > s.after order by last limit ${chunksAtOnce}
) c on true
order by s.ordinality, c.last`;

interface Row {
  at: number;
  state: WorkState | null;
  last_seq: string;
  first_seq: string;
  first: string | null;
  body: string | null;
}

export const parseEvents = (first: number, body: string): Event[] =>
  (JSON.parse(body) as [string, unknown][]).map(([type, data], index) => ({
    seq: first + index,
    type,
    data,
  }));

/** The readers of this process. What its own owners commit is given directly, the rest is read. */
export class Hub {
  readonly #pool: pg.Pool;
  readonly #tails = new Map<string, Set<Tail>>();
  #loop: Promise<void> | undefined;
  #wanted = false;
  #closed = false;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /**
   * Opens a reader after event `after`. Throws `ERR_HANDOVER_UNKNOWN`, `ERR_HANDOVER_EXPIRED`,
   * `ERR_HANDOVER_PAST_END`.
   */
  async open(id: string, after: number, signal: AbortSignal | undefined): Promise<Tail> {
    if (!Number.isSafeInteger(after) || after < 0)
      throw new HandoverError(
        'ERR_HANDOVER_OPTION',
        `Option after: expected the number of an event, or 0, got ${after}.`,
        { after },
      );
    if (this.#closed)
      throw new HandoverError('ERR_HANDOVER_CLOSED', 'This handover is closed: read elsewhere.');
    const { rows } = await this.#pool.query<{ num: string; last_seq: string; first_seq: string }>(
      'select num, last_seq, first_seq from handover.works where id = $1',
      [id],
    );
    const row = rows[0];
    if (!row) throw new HandoverError('ERR_HANDOVER_UNKNOWN', `Work ${id}: there is none.`, { id });
    if (after < Number(row.first_seq) - 1) throw expired(id, after, Number(row.first_seq));
    if (after > Number(row.last_seq))
      throw new HandoverError(
        'ERR_HANDOVER_PAST_END',
        `Work ${id}: event ${after} does not exist; the last one is ${row.last_seq}. Give the number of an event you have received.`,
        { id, after, last: Number(row.last_seq) },
      );
    const tail = new Tail(this, { num: row.num, id, after }, signal);
    if (signal?.aborted) return tail;
    let tails = this.#tails.get(row.num);
    if (!tails) this.#tails.set(row.num, (tails = new Set()));
    tails.add(tail);
    return tail;
  }

  /** Events that an owner in this process has committed. */
  committed({ num, first, events }: Committed): void {
    const tails = this.#tails.get(num);
    if (!tails) return;
    const parsed = parseEvents(first, `[${events.join(',')}]`);
    for (const tail of tails) tail.give(first, parsed);
    if ([...tails].some(({ behind }) => behind)) this.fetch();
  }

  /** Something was committed somewhere. */
  wake(payload: string): void {
    if (this.#tails.size === 0) return;
    let news = false;
    for (const [num, last] of advancesOf(payload))
      for (const tail of this.#tails.get(num) ?? [])
        if (tail.after < last) news = tail.behind = true;
    if (news) this.fetch();
  }

  /** Wake-ups may have been missed: look at everything. */
  wakeAll(): void {
    for (const tails of this.#tails.values()) for (const tail of tails) tail.behind = true;
    if (this.#tails.size > 0) this.fetch();
  }

  fetch(): void {
    this.#wanted = true;
    this.#loop ??= this.#run();
  }

  leave(tail: Tail): void {
    const tails = this.#tails.get(tail.num);
    tails?.delete(tail);
    if (tails?.size === 0) this.#tails.delete(tail.num);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const error = (): HandoverError =>
      new HandoverError(
        'ERR_HANDOVER_CLOSED',
        'This worker closes: read on elsewhere, after the last event received.',
      );
    for (const tails of this.#tails.values()) for (const tail of tails) tail.finish(error());
    await this.#loop;
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // who wakes in the same turn is served by the same query
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      const tails = [...this.#tails.values()].flatMap((set) =>
        [...set].filter((tail) => tail.behind && !tail.full),
      );
      if (tails.length === 0) continue;
      try {
        await this.#look(tails);
      } catch (error) {
        if (!isPassing(error)) for (const tail of tails) tail.finish(error);
        this.#wanted = true;
        await sleep(100, undefined, { ref: false });
      }
    }
    this.#loop = undefined;
  }

  async #look(tails: Tail[]): Promise<void> {
    for (const tail of tails) tail.behind = false;
    let rows: Row[];
    try {
      const values = [tails.map(({ num }) => num), tails.map(({ after }) => after)];
      ({ rows } = await this.#pool.query<Row>({
        name: 'handover-fetch',
        text: fetchStatement,
        values,
      }));
    } catch (error) {
      for (const tail of tails) tail.behind = true;
      throw error;
    }
    for (const row of rows) {
      const tail = tails[row.at] as Tail;
      if (row.body !== null && row.first !== null) {
        const first = Number(row.first);
        // Retention has cut between two looks: say so rather than skip.
        if (first > tail.after + 1 && Number(row.first_seq) > tail.after + 1)
          tail.expired(Number(row.first_seq));
        else tail.give(first, parseEvents(first, row.body));
      }
    }
    const last = new Map(rows.map((row) => [row.at, row]));
    for (const [at, row] of last) conclude(tails[at] as Tail, row);
    if (tails.some(({ behind }) => behind)) this.#wanted = true;
  }
}

function conclude(tail: Tail, row: Row): void {
  if (row.state === null) {
    tail.finish(
      new HandoverError('ERR_HANDOVER_UNKNOWN', `Work ${tail.id}: it is no longer known.`, {
        id: tail.id,
      }),
    );
    return;
  }
  const last = Number(row.last_seq);
  if (tail.after >= last) {
    if (row.state !== 'waiting' && row.state !== 'running') tail.finish();
  } else if (Number(row.first_seq) > tail.after + 1) tail.expired(Number(row.first_seq));
  else tail.behind = true;
}
