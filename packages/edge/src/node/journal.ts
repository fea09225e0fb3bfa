import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  renameSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EdgeError } from '../errors.ts';
import { processFacts } from '../proxy/processes.ts';
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
      const { error, ...entry } = file.parse(JSON.parse(readFileSync(this.#path(server), 'utf8')));
      return { ...entry, error };
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
    let names: string[];
    try {
      names = readdirSync(this.#dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#unusable(error);
    }
    return names
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
      writeFileSync(path, text, { mode: 0o600, flush: true });
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

  /** Runs `act` while no other controller changes the proxy. */
  async locked<T>(act: () => T | Promise<T>): Promise<T> {
    const path = join(this.#dir, 'proxy.lock');
    const mine = `${path}.${process.pid}.${crypto.randomUUID()}`;
    this.#put(mine, JSON.stringify({ pid: process.pid, birth: processFacts(process.pid)?.birth }));
    try {
      if (!(await until(() => claim(path, mine), LOCK_MS)))
        throw new EdgeError(
          'ERR_EDGE_JOURNAL',
          `Another controller holds ${path}. Wait for it to end.`,
        );
      try {
        this.#sweep();
        return await act();
      } finally {
        rmSync(path, { force: true });
      }
    } finally {
      rmSync(mine, { force: true });
    }
  }

  /** Drafts of controllers that were killed before they could put them in place. */
  #sweep(): void {
    for (const name of readdirSync(this.#dir)) {
      const pid = /\.json\.(\d+)\.new$|^proxy\.lock\.(\d+)\./.exec(name)?.slice(1).join('');
      if (pid !== undefined && !processFacts(Number(pid)))
        rmSync(join(this.#dir, name), { force: true });
    }
  }

  #path(server: string): string {
    return join(this.#dir, `${encodeURIComponent(server)}.node.json`);
  }
}

/** A link is made or not in one step; a lock whose owner has died is removed. */
function claim(path: string, mine: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    const { pid, birth } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; birth: string };
    if (processFacts(pid)?.birth !== birth) rmSync(path, { force: true });
  } catch {
    // It was released just now.
  }
  return false;
}
