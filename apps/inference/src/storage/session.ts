import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrate, NewerDatabaseError } from './migrate.ts';
import type { Storage } from './storage.ts';

const [firstWaitMs, longestWaitMs] = [100, 5_000];
/** First key of the advisory lock (ownerLock, owner) by which a worker's life is seen. */
export const ownerLock = 1;
const channel = 'inference_tasks';

interface SessionEvents {
  /** Connected, with a new owner number. */
  up: [owner: number];
  /** The connection is gone, and with it the owner number. */
  down: [];
  notification: [payload: string];
}

interface Connection {
  /** Resolves when it has broken or was closed. */
  readonly lost: Promise<void>;
}

/** Errors that waiting does not cure: wrong password, no such database, a newer schema. */
function isFinal(error: unknown): boolean {
  if (error instanceof NewerDatabaseError) return true;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && ['28000', '28P01', '3D000', '42501'].includes(code);
}

/**
 * The one database session that lives as long as the service: it listens, and by its lock the other
 * workers see that this one is alive. When it breaks it is made again under a new owner number.
 */
export class Session extends EventEmitter<SessionEvents> {
  readonly #storage: Storage;
  readonly #say: (line: string) => void;
  readonly #closed = new AbortController();
  #client: pg.Client | undefined;
  #owner: number | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(storage: Storage, say: (line: string) => void) {
    super();
    this.#storage = storage;
    this.#say = say;
  }

  /** The owner number, or `undefined` while there is no connection. */
  get owner(): number | undefined {
    return this.#owner;
  }

  /** Resolves at the first connection, however long it takes. Rejects when waiting would not help. */
  async open(): Promise<void> {
    const first = await this.#connect();
    this.#loop = this.#keep(first);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#client?.end().catch(() => undefined);
    await this.#loop;
  }

  async #keep(first: Connection): Promise<void> {
    let connection = first;
    while (true) {
      await connection.lost;
      this.#owner = undefined;
      if (this.#closed.signal.aborted) return;
      this.#say('the database connection is lost: connecting again');
      this.emit('down');
      try {
        connection = await this.#connect();
      } catch (error) {
        if (!this.#closed.signal.aborted)
          this.#say(`giving up on the database: ${(error as Error).message}`);
        return;
      }
    }
  }

  /** Tries until it holds. */
  async #connect(): Promise<Connection> {
    const { signal } = this.#closed;
    let told = '';
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      try {
        const connection = await this.#attempt();
        if (told) this.#say('the database is there');
        return connection;
      } catch (error) {
        if (isFinal(error)) throw error;
        const reason = (error as Error).message || String(error);
        if (reason !== told) this.#say(`waiting for the database: ${reason}`);
        told = reason;
      }
      await sleep(waitMs, undefined, { signal });
    }
  }

  async #attempt(): Promise<Connection> {
    this.#closed.signal.throwIfAborted();
    await this.#storage.ensure();
    const client = new pg.Client({
      connectionString: this.#storage.url(),
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'lastcall-inference session',
    });
    const lost = new Promise<void>((resolve) => {
      client.on('error', () => resolve());
      client.on('end', () => resolve());
    });
    try {
      await client.connect();
      await migrate(client);
      const { rows } = await client.query<{ owner: number }>(
        `select nextval('inference.owners')::integer as owner`,
      );
      const owner = rows[0]?.owner ?? 0;
      await client.query('select pg_advisory_lock($1, $2)', [ownerLock, owner]);
      client.on('notification', ({ payload }) => this.emit('notification', payload ?? ''));
      await client.query(`listen ${channel}`);
      this.#client = client;
      this.#owner = owner;
      this.emit('up', owner);
      return { lost };
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }
}
