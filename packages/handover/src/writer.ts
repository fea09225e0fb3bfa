import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { HandoverError, isPassing } from './errors.ts';
import { channel } from './session.ts';
import { wakeEvents } from './wake.ts';

/** How a run ends in the database. `waiting`: it goes back to the queue with a raised fence. */
export interface End {
  state: 'completed' | 'failed' | 'cancelled' | 'waiting';
  result?: unknown;
  error?: unknown;
  /** Charge an attempt; the last one makes `waiting` a `failed`. */
  charge?: boolean;
  /** Wait this long before the next run. */
  delayMs?: number;
  /** Only the successor that answered may claim it. */
  reserved?: boolean;
}

export interface Effect {
  key: string;
  kind: string;
  payload: unknown;
}

/** Which work, under which fence; and the last event number that was handed to the writer. */
export interface Hold {
  readonly num: string;
  readonly id: string;
  readonly fence: string;
  /** Events up to this one are in the database or on their way. */
  written: number;
}

/** What one owner adds to one work in one commit. */
interface Draft {
  hold: Hold;
  first: number;
  events: string[];
  bytes: number;
  checkpoint: string | undefined;
  effects: Effect[];
  end: End | undefined;
  done: PromiseWithResolvers<void>;
}

export interface Committed {
  num: string;
  first: number;
  events: readonly string[];
}

/** The only write of an owner: all of it, for many works, under their fences, in one statement. */
const statement = `
with given as (
  select * from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::integer[],
    $7::text[], $8::jsonb[], $9::text[], $10::jsonb[], $11::jsonb[], $12::boolean[], $13::float8[],
    $14::boolean[])
    as g (num, fence, first, last, bytes, body, checkpoint, state, result, error, charge, delay, reserved)
), held as (
  select w.num from handover.works w join given g on g.num = w.num
  where w.fence = g.fence and w.owner = $1::bigint and w.last_seq = g.first - 1
  order by w.num for update of w
), kept as (
  update handover.works w set
    last_seq = g.last,
    bytes = w.bytes + g.bytes,
    checkpoint = coalesce(g.checkpoint, w.checkpoint),
    checkpoint_seq = case when g.checkpoint is null then w.checkpoint_seq else g.last end,
    state = case when g.state is null then w.state
      when g.state = 'waiting' and g.charge and w.attempts + 1 >= w.max_attempts then 'failed'
      else g.state end,
    attempts = w.attempts + case when g.charge then 1 else 0 end,
    result = coalesce(g.result, w.result),
    error = coalesce(g.error, w.error),
    owner = case when g.state is null then w.owner end,
    fence = w.fence + case when g.state = 'waiting' then 1 else 0 end,
    soliciting = w.soliciting and g.state is null,
    successor = case when g.state is null or g.reserved then w.successor end,
    available_at = case when g.state = 'waiting' then clock_timestamp() + g.delay * interval '1 ms'
      else w.available_at end,
    ended_at = case when g.state is null
        or (g.state = 'waiting' and not (g.charge and w.attempts + 1 >= w.max_attempts))
      then null else clock_timestamp() end
  from given g, held h where w.num = h.num and g.num = h.num
  returning w.num, w.kind, w.state
), chunked as (
  insert into handover.chunks (work, first, last, bytes, body)
  select g.num, g.first, g.last, g.bytes, g.body from given g join kept k on k.num = g.num
  where g.body is not null
), effected as (
  insert into handover.effects (id, kind, payload)
  select e.id, e.kind, e.payload
  from unnest($15::bigint[], $16::text[], $17::text[], $18::jsonb[]) as e (num, id, kind, payload)
  join kept k on k.num = e.num
  on conflict (id) do nothing
  returning 1
), told as (
  select pg_notify('${channel}', t.text) from unnest($19::text[]) as t (text) where exists (select from kept)
  union all
  select pg_notify('${channel}', 'w ' || k.kind)
  from (select distinct kind from kept where state = 'waiting') k
  union all
  select pg_notify('${channel}', 'o') where exists (select from effected)
)
select k.num, (select count(*) from told) as told from kept k`;

/**
 * Group commit: what the owners of this process write is gathered for a moment and committed
 * together, one batch at a time. A write is acknowledged when it is durable.
 */
export class Writer {
  readonly #pool: pg.Pool;
  readonly #worker: () => string;
  readonly #gatherMs: number;
  readonly #onCommit: (committed: Committed) => void;
  #drafts = new Map<string, Draft>();
  #loop: Promise<void> | undefined;
  #closed = false;

  constructor(
    pool: pg.Pool,
    worker: () => string,
    gatherMs: number,
    onCommit: (committed: Committed) => void,
  ) {
    this.#pool = pool;
    this.#worker = worker;
    this.#gatherMs = gatherMs;
    this.#onCommit = onCommit;
  }

  /** Adds to what is written next for this work. Resolves when it is durable; rejects when fenced. */
  write(
    hold: Hold,
    add: { event?: string; checkpoint?: string; effect?: Effect; end?: End },
  ): Promise<void> {
    let draft = this.#drafts.get(hold.num);
    if (!draft) {
      draft = {
        hold,
        first: hold.written + 1,
        events: [],
        bytes: 0,
        checkpoint: undefined,
        effects: [],
        end: undefined,
        done: Promise.withResolvers(),
      };
      draft.done.promise.catch(() => undefined);
      this.#drafts.set(hold.num, draft);
    }
    if (add.event !== undefined) {
      draft.events.push(add.event);
      draft.bytes += Buffer.byteLength(add.event);
      hold.written += 1;
    }
    if (add.checkpoint !== undefined) draft.checkpoint = add.checkpoint;
    if (add.effect) draft.effects.push(add.effect);
    if (add.end) draft.end = add.end;
    this.#loop ??= this.#run();
    return draft.done.promise;
  }

  /** What is still unwritten fails; call it when nobody writes any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loop;
  }

  async #run(): Promise<void> {
    // Everything that arrives while a batch is on its way forms the next one.
    if (this.#gatherMs > 0) await sleep(this.#gatherMs);
    else await Promise.resolve();
    while (this.#drafts.size > 0) {
      const batch = [...this.#drafts.values()];
      this.#drafts = new Map();
      await this.#commit(batch);
    }
    this.#loop = undefined;
  }

  async #commit(batch: Draft[]): Promise<void> {
    // The number must not change between two tries of one batch: a buried worker's writes are void.
    const worker = this.#worker();
    for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 500)) {
      try {
        const kept = await this.#try(batch, worker);
        for (const draft of batch) {
          if (kept.has(draft.hold.num)) this.#settle(draft);
          else draft.done.reject(fenced(draft.hold));
        }
        return;
      } catch (error) {
        if (this.#closed || !isPassing(error)) {
          // What one work wrote (a NUL in its checkpoint, say) must not fail the others' writes.
          if (batch.length > 1) for (const draft of batch) await this.#commit([draft]);
          else batch[0]?.done.reject(unreachable(error));
          return;
        }
      }
      await sleep(waitMs);
    }
  }

  #settle({ hold, first, events, done }: Draft): void {
    if (events.length > 0) this.#onCommit({ num: hold.num, first, events });
    done.resolve();
  }

  /** Returns the works for which the write holds, in this try or in one whose answer was lost. */
  async #try(batch: Draft[], worker: string): Promise<Set<string>> {
    const { rows } = await this.#pool.query<{ num: string }>({
      name: 'handover-write',
      text: statement,
      values: parameters(batch, worker),
    });
    const kept = new Set(rows.map(({ num }) => num));
    const open = batch.filter(({ hold }) => !kept.has(hold.num));
    if (open.length > 0) for (const num of await this.#earlier(open, worker)) kept.add(num);
    return kept;
  }

  /** Of the refused: those whose write was committed by a try whose answer never came. */
  async #earlier(open: Draft[], worker: string): Promise<string[]> {
    const { rows } = await this.#pool.query<{
      num: string;
      fence: string;
      owner: string | null;
      state: string;
      last_seq: string;
    }>('select num, fence, owner, state, last_seq from handover.works where num = any($1)', [
      open.map(({ hold }) => hold.num),
    ]);
    const at = new Map(rows.map((row) => [row.num, row]));
    return open
      .filter(({ hold, first, events, end }) => {
        const row = at.get(hold.num);
        if (!row || Number(row.last_seq) !== first + events.length - 1) return false;
        if (!end) return row.fence === hold.fence && row.owner === worker;
        const fence = BigInt(hold.fence) + (end.state === 'waiting' ? 1n : 0n);
        return row.fence === String(fence) && row.owner === null;
      })
      .map(({ hold }) => hold.num);
  }
}

function parameters(batch: Draft[], worker: string): unknown[] {
  const json = (value: unknown): string | null =>
    value === undefined ? null : (JSON.stringify(value) ?? null);
  const ends = (draft: Draft): End | undefined => draft.end;
  const effects = batch.flatMap(({ hold, effects }) =>
    effects.map((effect) => ({ hold, ...effect })),
  );
  return [
    worker,
    batch.map(({ hold }) => hold.num),
    batch.map(({ hold }) => hold.fence),
    batch.map(({ first }) => first),
    batch.map(({ first, events }) => first + events.length - 1),
    batch.map(({ bytes }) => bytes),
    batch.map(({ events }) => (events.length > 0 ? `[${events.join(',')}]` : null)),
    batch.map(({ checkpoint }) => checkpoint ?? null),
    batch.map((draft) => ends(draft)?.state ?? null),
    batch.map((draft) => json(ends(draft)?.result)),
    batch.map((draft) => json(ends(draft)?.error)),
    batch.map((draft) => ends(draft)?.charge ?? false),
    batch.map((draft) => ends(draft)?.delayMs ?? 0),
    batch.map((draft) => ends(draft)?.reserved ?? false),
    effects.map(({ hold }) => hold.num),
    effects.map(({ hold, key }) => `${hold.id}:${key}`),
    effects.map(({ kind }) => kind),
    effects.map(({ payload }) => json(payload) ?? 'null'),
    wakeEvents(
      batch
        .filter(({ events, end }) => events.length > 0 || end)
        .map(({ hold, first, events, end }) => [
          hold.num,
          end ? Infinity : first + events.length - 1,
        ]),
    ),
  ];
}

const fenced = ({ id, fence }: Hold): HandoverError =>
  new HandoverError(
    'ERR_HANDOVER_FENCED',
    `Work ${id}: it belongs to another worker by now; what was written under fence ${fence} changed nothing.`,
    { id, fence },
  );

const unreachable = (cause: unknown): HandoverError =>
  new HandoverError(
    'ERR_HANDOVER_DATABASE',
    `The write could not be committed: ${(cause as Error).message}`,
    {},
    { cause },
  );
