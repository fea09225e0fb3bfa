import { createHash, randomUUID } from 'node:crypto';
import { type Handover, HandoverError, type Work } from '@lastcall/handover';
import type pg from 'pg';
import type { GenerateRequest } from '../model/provider.ts';
import { patient } from '../storage/patiently.ts';
import { taskKind } from './work.ts';

/** The topic on which workers tell each other of a client's new task: `id client`. */
export const taskTopic = 'task';
const statuses = {
  waiting: 'queued',
  running: 'running',
  completed: 'done',
  failed: 'failed',
  cancelled: 'revoked',
} as const;

export type TaskStatus = (typeof statuses)[keyof typeof statuses];
export const statusOf = ({ state, cancelReason }: Work): TaskStatus =>
  state === 'running' && cancelReason !== null ? 'revoked' : statuses[state];

/** What a task cost its client. */
export interface TaskUsage {
  readonly tasks: number;
  readonly tokens: number;
}

export interface NewTask {
  readonly request: GenerateRequest;
  readonly client: string | null;
  /** The same key of the same client names the same task. */
  readonly key?: string | undefined;
}

/** Tasks: works of the handover, and whose they are. */
export class TaskStore {
  readonly handover: Handover;
  readonly #pool: pg.Pool;

  constructor(handover: Handover, pool: pg.Pool) {
    this.handover = handover;
    this.#pool = pool;
  }

  /** Resolves once the task is committed, with the task as it was then: a new one is queued. */
  async create({ request, client, key }: NewTask): Promise<Work> {
    const id = key === undefined ? randomUUID() : idOf(`${client ?? ''} ${key}`);
    const connection = await this.#pool.connect();
    let broken = true;
    try {
      await connection.query('begin');
      const insert = async (): Promise<boolean> => {
        const { rowCount } = await connection.query(
          'insert into inference.tasks (id, client) values ($1, $2) on conflict do nothing',
          [id, client],
        );
        return rowCount === 1;
      };
      // One that is known no longer makes room for another of its key.
      if ((await insert()) || ((await forgotten(connection, id)) && (await insert()))) {
        await this.handover.add(taskKind, { request, client }, { id, client: connection });
        if (client !== null) await this.handover.tell(taskTopic, `${id} ${client}`, connection);
      }
      const task = await this.handover.get(id, connection);
      await connection.query('commit');
      broken = false;
      return task;
    } finally {
      connection.release(broken);
    }
  }

  async get(id: string): Promise<Work | undefined> {
    const [work] = await this.handover.list([id]);
    return work?.kind === taskKind ? work : undefined;
  }

  async newest(limit: number): Promise<Work[]> {
    const sql = 'select id from inference.tasks order by position desc limit $1';
    const { rows } = await this.#pool.query<{ id: string }>(sql, [limit]);
    return this.handover.list(rows.map(({ id }) => id));
  }

  async counts(): Promise<Record<TaskStatus, number>> {
    const counts = Object.entries(await this.handover.counts(taskKind)) as [
      Work['state'],
      number,
    ][];
    return Object.fromEntries(counts.map(([state, count]) => [statuses[state], count])) as Record<
      TaskStatus,
      number
    >;
  }

  /** Takes a task back, for good. `undefined` when there is none; otherwise the task as it is then. */
  async revoke(id: string): Promise<Work | undefined> {
    if (!(await this.get(id))) return undefined;
    await this.handover.cancel(id, 'revoked by its client').catch((error: unknown) => {
      if (!isUnknown(error)) throw error;
    });
    return this.get(id);
  }

  /** Tasks of a client whose results it has not acknowledged, oldest first. */
  async owed(client: string): Promise<string[]> {
    const { rows } = await this.#pool.query<{ id: string }>(
      `select id from inference.tasks
       where client = $1 and acknowledged_at is null order by position`,
      [client],
    );
    return rows.map(({ id }) => id);
  }

  /** The client has the results. */
  async acknowledge(client: string, ids: readonly string[]): Promise<void> {
    await this.#pool.query(
      `update inference.tasks set acknowledged_at = now()
       where id = any($1::text[]) and client = $2 and acknowledged_at is null`,
      [ids, client],
    );
  }

  async usage(client: string): Promise<TaskUsage> {
    const { rows } = await this.#pool.query<TaskUsage>(
      `select count(*)::integer as tasks, coalesce(sum(tokens), 0)::float8 as tokens
       from inference.usage where client = $1`,
      [client],
    );
    return rows[0] ?? { tasks: 0, tokens: 0 };
  }

  /** Lets go of tasks that the handover has forgotten. */
  async forget(): Promise<void> {
    await this.#pool.query(
      patient(
        `delete from inference.tasks t where created_at < now() - interval '7 days'
         and not exists (select from handover.works w where w.id = t.id)`,
      ),
    );
  }
}

/** Lets go of one task that the handover has forgotten. Resolves to whether it was. */
async function forgotten(connection: pg.PoolClient, id: string): Promise<boolean> {
  const { rowCount } = await connection.query(
    `delete from inference.tasks t where id = $1
     and not exists (select from handover.works w where w.id = t.id)`,
    [id],
  );
  return rowCount === 1;
}

const isUnknown = (error: unknown): boolean =>
  error instanceof HandoverError && error.code === 'ERR_HANDOVER_UNKNOWN';

/** A UUID made from a text. */
function idOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
