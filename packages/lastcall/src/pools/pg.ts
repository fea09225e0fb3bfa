import pg from 'pg';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';

export interface CheckedPoolOptions extends pg.PoolConfig {
  /** A connection idle for longer is asked a question before it is used, in milliseconds. Default 1000. */
  checkAfterMs?: number;
  /** How long the answer may take, in milliseconds. Default 2000. */
  checkTimeoutMs?: number;
}

type ConnectCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: Error | boolean) => void,
) => void;

/** A `pg` pool that never hands out a connection which broke while it was idle. */
class CheckedPool extends pg.Pool {
  readonly #idleSince = new WeakMap<pg.ClientBase, number>();
  readonly #checkAfterMs: number;
  readonly #checkTimeoutMs: number;

  constructor({ checkAfterMs = 1_000, checkTimeoutMs = 2_000, ...config }: CheckedPoolOptions) {
    super(config);
    this.#checkAfterMs = checkAfterMs;
    this.#checkTimeoutMs = checkTimeoutMs;
    this.on('release', (_error, client) => this.#idleSince.set(client, performance.now()));
    // A connection that breaks while idle has left the pool; nobody was using it.
    this.on('error', () => undefined);
    // One that breaks in its user's hands fails his next query; the event would end the process.
    this.on('connect', (client) => client.on('error', () => undefined));
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | void {
    if (!callback) return this.#checked();
    // The pool's own query() asks in this form.
    void this.#answer(callback);
    return undefined;
  }

  async #answer(callback: ConnectCallback): Promise<void> {
    let client: pg.PoolClient;
    try {
      client = await this.#checked();
    } catch (error) {
      callback(error as Error, undefined, () => undefined);
      return;
    }
    callback(undefined, client, (release) => client.release(release));
  }

  /** Every idle connection may be broken, as after a restart: each is tried, then a new one is made. */
  async #checked(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await super.connect();
      const idleSince = this.#idleSince.get(client);
      if (idleSince === undefined || performance.now() - idleSince < this.#checkAfterMs)
        return client;
      if (await this.#answers(client)) return client;
      client.release(true);
    }
  }

  async #answers(client: pg.PoolClient): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#checkTimeoutMs);
    });
    const answer = client.query('select 1').then(
      () => true,
      () => false,
    );
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Makes a `pg` pool whose idle connections are checked before use. It is closed among the close
 * hooks, after the last lease has ended: make it before the servers that use it. Its `end` waits
 * until every client is back.
 */
export function createPool(lifecycle: Lifecycle, options: CheckedPoolOptions = {}): pg.Pool {
  const pool = new CheckedPool(options);
  lifecycle.onClose('pg pool', () => pool.end());
  return pool;
}
