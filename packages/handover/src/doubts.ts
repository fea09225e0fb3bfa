import type pg from 'pg';
import { isPassing } from './errors.ts';
import * as sql from './statements.ts';

/**
 * A claim whose answer was lost stands in the database all the same, and nobody buries a worker that
 * lives: what is this worker's there and does not run here is given back.
 */
export class Doubts {
  readonly #pool: pg.Pool;
  readonly #worker: () => string;
  readonly #mine: () => string[];
  readonly #claims = new Set<Promise<unknown>>();
  #raised = false;
  #settling: Promise<void> | undefined;

  /** `mine`: the works that run here, or whose end is on its way. */
  constructor(pool: pg.Pool, worker: () => string, mine: () => string[]) {
    this.#pool = pool;
    this.#worker = worker;
    this.#mine = mine;
  }

  /** Something may be this worker's that it does not know of. */
  raise(): void {
    this.#raised = true;
  }

  /** Claims, and takes up what was claimed, in `claim`: not while doubts are being settled. */
  async during<T>(claim: () => Promise<T>): Promise<T> {
    while (this.#settling) await this.#settling;
    const claiming = claim();
    this.#claims.add(claiming);
    try {
      return await claiming;
    } catch (error) {
      if (isPassing(error)) this.raise();
      throw error;
    } finally {
      this.#claims.delete(claiming);
    }
  }

  /** Looks whether there is cause for doubt that nobody raised, as a claim that was committed late. */
  async look(): Promise<void> {
    const { rowCount } = await this.#pool.query(sql.stray, [this.#worker(), this.#mine()]);
    if (rowCount !== 0) this.raise();
  }

  /** Gives back what is in doubt, if anything may be. Rejects, and stays in doubt, as the database does. */
  settle(): Promise<void> {
    if (!this.#raised) return Promise.resolve();
    this.#settling ??= this.#giveBack().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  async #giveBack(): Promise<void> {
    await Promise.allSettled(this.#claims);
    await this.#pool.query(sql.giveBack, [this.#worker(), this.#mine()]);
    this.#raised = false;
  }
}
