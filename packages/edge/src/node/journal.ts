import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EdgeError } from '../errors.ts';
import { processFacts, type Told } from '../proxy/processes.ts';
import { until } from '../proxy/wait.ts';
import { type Action, ACTION_NAMES } from './plan.ts';

/** What was done to one node, as far as it went. */
export interface Entry {
  server: string;
  verb: 'drain' | 'undrain';
  /** Steps that are done; a step that was begun and not finished is not here. */
  done: Action[];
  state: 'running' | 'done' | 'failed';
  /** The controller that wrote this. */
  pid: number;
  birth: string;
  startedAt: string;
  updatedAt: string;
  error: string | undefined;
  /** Size of the node's log before the stop. */
  logFrom: number;
  /** In which state a drain found a node that the watch had marked down; undefined: it was in service. */
  takenOver: 'running' | 'gone' | undefined;
  /** The process that was told to stop, where the node is stopped by its pid; written before its signal. */
  told?: Told | undefined;
}

const file = z.object({
  server: z.string(),
  verb: z.enum(['drain', 'undrain']),
  done: z.array(z.enum(ACTION_NAMES)),
  state: z.enum(['running', 'done', 'failed']),
  pid: z.number(),
  birth: z.string(),
  startedAt: z.string(),
  updatedAt: z.string(),
  error: z.string().optional(),
  logFrom: z.number(),
  takenOver: z.enum(['running', 'gone']).optional(),
  told: z.object({ pid: z.number(), birth: z.string() }).optional(),
});

const LOCK_MS = 30_000;

/** One file for each node, replaced at each step, so that a crash of the controller leaves the truth. */
export class Journal {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  read(server: string): Entry | undefined {
    try {
      const entry = file.parse(JSON.parse(readFileSync(this.#path(server), 'utf8')));
      return { ...entry, error: entry.error, takenOver: entry.takenOver };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new EdgeError(
        'ERR_EDGE_JOURNAL',
        `${this.#path(server)} cannot be read: ${error instanceof z.ZodError ? 'that is no entry of a journal' : (error as Error).message}. Look at the node, then remove the file.`,
        {},
        { cause: error },
      );
    }
  }

  all(): Entry[] {
    return this.#names()
      .filter((name) => name.endsWith('.node.json'))
      .flatMap((name) => this.read(decodeURIComponent(name.slice(0, -'.node.json'.length))) ?? []);
  }

  write(entry: Entry): void {
    const path = this.#path(entry.server);
    const updated = { ...entry, updatedAt: new Date().toISOString() };
    const draft = `${path}.${process.pid}.new`;
    this.#put(draft, JSON.stringify(updated));
    renameSync(draft, path);
  }

  #put(path: string, text: string): void {
    try {
      mkdirSync(this.#dir, { recursive: true });
      writeFileSync(path, text, { mode: 0o600, flush: text !== '' });
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  #unusable(error: unknown): EdgeError {
    return new EdgeError(
      'ERR_EDGE_JOURNAL',
      `The journal in ${this.#dir} (stateDir) cannot be used: ${(error as Error).message}`,
      { stateDir: this.#dir },
      { cause: error },
    );
  }

  forget(server: string): void {
    rmSync(this.#path(server), { force: true });
  }

  /** Whether the controller that wrote the entry still works on it. */
  isLive({ state, pid, birth }: Entry): boolean {
    return state === 'running' && processFacts(pid)?.birth === birth;
  }

  /**
   * Runs `act` while no other controller changes the proxy. Each puts down a claim of its own name and
   * then looks whether it is the only one; of two that do so at once at least one sees the other. Claims
   * of controllers that have died count for nothing, and nobody ever removes one of the living.
   */
  async locked<T>(act: () => T | Promise<T>): Promise<T> {
    const mine = this.#hold('claim');
    let others: string[] = [];
    const claim = (): boolean => {
      this.#put(mine, '');
      this.#clear();
      others = this.#held('claim').filter((name) => join(this.#dir, name) !== mine);
      if (others.length > 0) rmSync(mine, { force: true });
      return others.length === 0;
    };
    if (!(await until(claim, LOCK_MS)))
      throw new EdgeError(
        'ERR_EDGE_JOURNAL',
        `Another controller (pid ${others[0]?.split('.')[1]}) changes the proxy. Wait for it to end.`,
      );
    try {
      return await act();
    } finally {
      rmSync(mine, { force: true });
    }
  }

  /**
   * Runs `act` as the one watch of the folder: two would write over each other's memory of what they
   * marked. Throws `ERR_EDGE_JOURNAL` at once when another watch lives. Controllers are not held up.
   */
  async watching<T>(act: () => T | Promise<T>): Promise<T> {
    const mine = this.#hold('watching');
    await this.locked(() => {
      const pid = this.watcher();
      if (pid !== undefined)
        throw new EdgeError(
          'ERR_EDGE_JOURNAL',
          `Another watch (pid ${pid}) runs on ${this.#dir} (stateDir). Nothing was changed. End that one first (kill ${pid}), or give a watch of other nodes a stateDir of its own.`,
          { stateDir: this.#dir, pid },
        );
      this.#put(mine, '');
    });
    try {
      return await act();
    } finally {
      rmSync(mine, { force: true });
    }
  }

  /** The pid of the watch that runs on the folder, if there is one. */
  watcher(): number | undefined {
    const [name] = this.#held('watching');
    return name === undefined ? undefined : Number(name.split('.')[1]);
  }

  /** The path of a file that says which process, by pid and birth, holds what. */
  #hold(what: 'claim' | 'watching'): string {
    const birth = processFacts(process.pid)?.birth ?? '';
    return join(this.#dir, `${what}.${process.pid}.${birth}.${crypto.randomUUID()}`);
  }

  /** The files of that kind whose processes live. */
  #held(what: 'claim' | 'watching'): string[] {
    return this.#names().filter((name) => {
      const held = holder(name);
      return held?.what === what && held.lives;
    });
  }

  /** Removes what processes left behind that were killed. */
  #clear(): void {
    for (const name of this.#names()) {
      const draft = /\.json\.(\d+)\.new$/.exec(name)?.[1];
      if (holder(name)?.lives === false || (draft !== undefined && !processFacts(Number(draft))))
        rmSync(join(this.#dir, name), { force: true });
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.#dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#unusable(error);
    }
  }

  #path(server: string): string {
    return join(this.#dir, `${encodeURIComponent(server)}.node.json`);
  }
}

/** What a file of `#hold` says; a later process with the same pid is none that holds it. */
function holder(name: string): { what: string; lives: boolean } | undefined {
  const [, what, pid, birth] = /^(claim|watching)\.(\d+)\.(\d*)\./.exec(name) ?? [];
  if (what === undefined) return undefined;
  return { what, lives: processFacts(Number(pid))?.birth === birth };
}
