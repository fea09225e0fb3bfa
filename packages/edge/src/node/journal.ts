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
import { EdgeError } from '../errors.ts';
import { processFacts } from '../proxy/processes.ts';
import { until } from '../proxy/wait.ts';
import type { Action } from './plan.ts';

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

const LOCK_MS = 30_000;

/** One file for each node, replaced at each step, so that a crash of the controller leaves the truth. */
export class Journal {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  read(server: string): Entry | undefined {
    try {
      return JSON.parse(readFileSync(this.#path(server), 'utf8')) as Entry;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new EdgeError(
        'ERR_EDGE_JOURNAL',
        `${this.#path(server)} cannot be read: ${(error as Error).message}. Look at the node, then remove the file.`,
        {},
        { cause: error },
      );
    }
  }

  all(): Entry[] {
    return readdirSync(this.#dir)
      .filter((name) => name.endsWith('.node.json'))
      .flatMap((name) => this.read(decodeURIComponent(name.slice(0, -'.node.json'.length))) ?? []);
  }

  write(entry: Entry): void {
    const path = this.#path(entry.server);
    const updated = { ...entry, updatedAt: new Date().toISOString() };
    const draft = `${path}.${process.pid}.new`;
    writeFileSync(draft, JSON.stringify(updated), { mode: 0o600, flush: true });
    renameSync(draft, path);
  }

  forget(server: string): void {
    rmSync(this.#path(server), { force: true });
  }

  /** Whether the controller that wrote the entry still works on it. */
  isLive({ state, pid, birth }: Entry): boolean {
    return state === 'running' && processFacts(pid)?.birth === birth;
  }

  /** Runs `act` while no other controller changes the proxy. */
  async locked<T>(act: () => Promise<T>): Promise<T> {
    const path = join(this.#dir, 'proxy.lock');
    const mine = `${path}.${process.pid}.${crypto.randomUUID()}`;
    writeFileSync(
      mine,
      JSON.stringify({ pid: process.pid, birth: processFacts(process.pid)?.birth }),
    );
    try {
      if (!(await until(() => claim(path, mine), LOCK_MS)))
        throw new EdgeError(
          'ERR_EDGE_JOURNAL',
          `Another controller holds ${path}. Wait for it to end.`,
        );
      try {
        return await act();
      } finally {
        rmSync(path, { force: true });
      }
    } finally {
      rmSync(mine, { force: true });
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
