import type pg from 'pg';
import type { GenerateRequest } from '../model/provider.ts';
import { ownerLock } from '../storage/session.ts';

export type TaskStatus = 'queued' | 'running' | 'done' | 'failed' | 'revoked';
export type TaskCounts = Record<TaskStatus, number>;

export interface TaskError {
  readonly code: string;
  readonly message: string;
}

export interface TaskUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
}

export interface Task {
  readonly id: string;
  readonly status: TaskStatus;
  readonly request: GenerateRequest;
  readonly output: string | null;
  readonly usage: TaskUsage | null;
  readonly error: TaskError | null;
  readonly attempts: number;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

const columns =
  'id, status, request, output, usage, error, attempts, created_at, started_at, finished_at';

/** What a worker has to say about a task it ran. */
export type TaskResult =
  | { readonly status: 'done'; readonly output: string; readonly usage: TaskUsage }
  | { readonly status: 'failed'; readonly error: TaskError };

/** The tasks in the database. Each method is one transaction and has committed when it returns. */
export class TaskStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async create(id: string, request: GenerateRequest): Promise<Task> {
    const sql = `insert into inference.tasks (id, request) values ($1, $2) returning ${columns}`;
    return (await this.#pool.query<Task>(sql, [id, request])).rows[0]!;
  }

  async get(id: string): Promise<Task | undefined> {
    const sql = `select ${columns} from inference.tasks where id = $1`;
    return (await this.#pool.query<Task>(sql, [id])).rows[0];
  }

  async newest(limit: number): Promise<Task[]> {
    const sql = `select ${columns} from inference.tasks order by position desc limit $1`;
    return (await this.#pool.query<Task>(sql, [limit])).rows;
  }

  async counts(): Promise<TaskCounts> {
    const counts: TaskCounts = { queued: 0, running: 0, done: 0, failed: 0, revoked: 0 };
    const sql = 'select status, count(*)::integer as n from inference.tasks group by status';
    const { rows } = await this.#pool.query<{ status: TaskStatus; n: number }>(sql);
    for (const { status, n } of rows) counts[status] = n;
    return counts;
  }

  /** Takes a task back. `undefined` when it is not queued or running (any more). */
  async revoke(id: string): Promise<Task | undefined> {
    const sql = `update inference.tasks set status = 'revoked', owner = null, finished_at = now()
      where id = $1 and status in ('queued', 'running') returning ${columns}`;
    return (await this.#pool.query<Task>(sql, [id])).rows[0];
  }

  /**
   * The first queued task, now running under this owner. `admit` is asked while the row is locked
   * and before anything is written: when it refuses, the task has never left the queue.
   */
  async claim<L>(
    owner: number,
    admit: () => L | undefined,
  ): Promise<{ task: Task; lease: L } | undefined> {
    const client = await this.#pool.connect();
    let broken = true;
    try {
      await client.query('begin');
      const { rows } = await client.query<{ id: string }>(
        `select id from inference.tasks where status = 'queued'
          order by position limit 1 for update skip locked`,
      );
      const lease = rows[0] && admit();
      if (!lease) {
        await client.query('rollback');
        broken = false;
        return undefined;
      }
      const { rows: taken } = await client.query<Task>(
        `update inference.tasks
          set status = 'running', owner = $2, attempts = attempts + 1, started_at = now()
          where id = $1 returning ${columns}`,
        [rows[0]!.id, owner],
      );
      await client.query('commit');
      broken = false;
      return { task: taken[0]!, lease };
    } finally {
      client.release(broken);
    }
  }

  /** False when the task is no longer this owner's: nothing was written. */
  async finish(id: string, owner: number, result: TaskResult): Promise<boolean> {
    const [output, usage, error] =
      result.status === 'done' ? [result.output, result.usage, null] : [null, null, result.error];
    const sql = `update inference.tasks
      set status = $3, output = $4, usage = $5, error = $6, owner = null, finished_at = now()
      where id = $1 and owner = $2`;
    const values = [id, owner, result.status, output, usage, error];
    return (await this.#pool.query(sql, values)).rowCount === 1;
  }

  /** Puts a task back to its place in the queue; a shutdown costs it no attempt. */
  async handBack(id: string, owner: number): Promise<boolean> {
    const sql = `update inference.tasks
      set status = 'queued', owner = null, started_at = null, attempts = attempts - 1
      where id = $1 and owner = $2`;
    return (await this.#pool.query(sql, [id, owner])).rowCount === 1;
  }

  /** Puts the tasks of dead workers back into the queue; returns how many. */
  async recover(): Promise<number> {
    const sql = `update inference.tasks
      set status = 'queued', owner = null, started_at = null
      where status = 'running' and not exists (
        select from pg_locks
        where locktype = 'advisory' and granted and objsubid = 2
          and database = (select oid from pg_database where datname = current_database())
          and classid = $1 and objid = owner::oid)`;
    return (await this.#pool.query(sql, [ownerLock])).rowCount ?? 0;
  }
}
