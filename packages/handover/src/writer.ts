import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { HandoverError, isPassing } from './errors.ts';
import { wakeEvents } from './wake.ts';
import { writeStatement } from './write-statement.ts';

/** How a run ends in the database. `waiting`: it goes back to the queue with a raised fence. */
export interface End {
  state: 'completed' | 'failed' | 'cancelled' | 'waiting';
  /** As JSON: what cannot be written as such must fail where it is made. */
  result?: string;
  error?: string;
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
  /** As JSON. */
  payload: string;
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
  /** The last event that the checkpoint covers: later ones may be in the same commit. */
  covers: number;
  effects: Effect[];
  end: End | undefined;
  done: PromiseWithResolvers<void>;
}

export interface Committed {
  num: string;
  first: number;
  events: readonly string[];
}

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
  /** Ends the gathering of a batch. */
  #hurry: (() => void) | undefined;
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
        covers: 0,
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
    if (add.checkpoint !== undefined) {
      draft.checkpoint = add.checkpoint;
      draft.covers = hold.written;
    }
    if (add.effect) draft.effects.push(add.effect);
    this.#loop ??= this.#run();
    if (add.end) {
      draft.end = add.end;
      // A successor waits for it.
      this.#hurry?.();
    }
    return draft.done.promise;
  }

  /** What is still unwritten fails; call it when nobody writes any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loop;
  }

  async #run(): Promise<void> {
    // Everything that arrives while a batch is on its way forms the next one.
    await this.#gather();
    while (this.#drafts.size > 0) {
      const batch = [...this.#drafts.values()];
      this.#drafts = new Map();
      await this.#commit(batch);
    }
    this.#loop = undefined;
  }

  async #gather(): Promise<void> {
    if (this.#gatherMs === 0) return Promise.resolve();
    const over = new AbortController();
    this.#hurry = () => over.abort();
    await sleep(this.#gatherMs, undefined, { signal: over.signal }).catch(() => undefined);
    this.#hurry = undefined;
  }

  async #commit(batch: Draft[]): Promise<void> {
    // The number must not change between two tries of one batch: a buried worker's writes are void.
    const worker = this.#worker();
    for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 500)) {
      try {
        const kept = await this.#try(batch, worker);
        for (const draft of batch) {
          const isVoid = kept.get(draft.hold.num);
          if (isVoid === undefined) draft.done.reject(fenced(draft.hold));
          else if (isVoid) settleVoid(draft);
          else this.#settle(draft);
        }
        return;
      } catch (error) {
        if (this.#closed || !isPassing(error)) {
          // What one work wrote (a NUL in its checkpoint, say) must not fail the others' writes.
          if (batch.length > 1) for (const draft of batch) await this.#commit([draft]);
          else for (const draft of batch) this.#refuse(draft, unreachable(error));
          return;
        }
      }
      await sleep(waitMs);
    }
  }

  /**
   * Nothing of it was written: the next event has its first number again. What is gathered already
   * was numbered behind it, and is refused with it.
   */
  #refuse({ hold, first, done }: Draft, error: HandoverError): void {
    hold.written = first - 1;
    const next = this.#drafts.get(hold.num);
    if (next?.hold === hold) {
      this.#drafts.delete(hold.num);
      next.done.reject(error);
    }
    done.reject(error);
  }

  #settle({ hold, first, events, done }: Draft): void {
    if (events.length > 0) this.#onCommit({ num: hold.num, first, events });
    done.resolve();
  }

  /**
   * The works for which the write holds, in this try or in one whose answer was lost; and of each
   * whether it was cancelled before its end was written.
   */
  async #try(batch: Draft[], worker: string): Promise<Map<string, boolean>> {
    const { rows } = await this.#pool.query<{ num: string; void: boolean }>({
      name: 'handover-write',
      text: writeStatement,
      values: parameters(batch, worker),
    });
    const kept = new Map(rows.map((row) => [row.num, row.void]));
    const open = batch.filter(({ hold }) => !kept.has(hold.num));
    if (open.length > 0) for (const num of await this.#earlier(open, worker)) kept.set(num, false);
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

/** The work was cancelled: of this last write nothing was kept but that it has ended. */
function settleVoid({ end, done }: Draft): void {
  if (end) Object.assign(end, { state: 'cancelled', charge: false, reserved: false });
  done.resolve();
}

function parameters(batch: Draft[], worker: string): unknown[] {
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
    batch.map((draft) => ends(draft)?.result ?? null),
    batch.map((draft) => ends(draft)?.error ?? null),
    batch.map((draft) => ends(draft)?.charge ?? false),
    batch.map((draft) => ends(draft)?.delayMs ?? 0),
    batch.map((draft) => ends(draft)?.reserved ?? false),
    effects.map(({ hold }) => hold.num),
    effects.map(({ hold, key }) => `${hold.id}:${key}`),
    effects.map(({ kind }) => kind),
    effects.map(({ payload }) => payload),
    wakeEvents(
      batch
        .filter(({ events, end }) => events.length > 0 || end)
        .map(({ hold, first, events, end }) => [
          hold.num,
          end ? Infinity : first + events.length - 1,
        ]),
    ),
    batch.map(({ covers }) => covers),
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
