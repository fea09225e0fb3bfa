import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const KILLS = 'kills.jsonl';

/**
 * A small file that exists while the process lives. A process that is killed cannot remove it, so
 * the next start finds it and counts the kill in `kills.jsonl`. A disk that fails costs the record,
 * never the service.
 */
export class KillRecord {
  /** Processes of this service known to have been killed, counted when this one started. */
  readonly forcedKills: number;
  readonly #path: string | undefined;
  readonly #name: string;
  #warned = false;

  constructor(dir: string | undefined, name: string) {
    this.#name = name;
    this.forcedKills = 0;
    if (dir === undefined) return;
    const prefix = `${encodeURIComponent(name)}-`;
    this.#path = join(dir, `${prefix}${process.pid}.json`);
    try {
      makeFolder(resolve(dir));
      countDead(dir, prefix);
      this.forcedKills = readKills(dir, name);
    } catch (error) {
      this.#warn(error);
    }
    this.write('starting', {});
    process.once('exit', () => this.end());
  }

  /** Notes the state and the work in flight. */
  write(state: string, inFlight: Record<string, number>): void {
    if (this.#path === undefined) return;
    const facts = {
      name: this.#name,
      pid: process.pid,
      birth: birthOf(process.pid),
      state,
      inFlight,
      at: new Date().toISOString(),
    };
    try {
      writeFileSync(this.#path, JSON.stringify(facts), { mode: 0o600 });
    } catch (error) {
      this.#warn(error);
    }
  }

  /** The process ends by itself: it was not killed. */
  end(): void {
    if (this.#path === undefined) return;
    try {
      rmSync(this.#path, { force: true });
    } catch (error) {
      this.#warn(error);
    }
  }

  #warn(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(
      `The kill record cannot be kept: ${why}. Check recordDir.`,
      'LastcallWarning',
    );
  }
}

/** Not by mkdir's own `recursive`, which never returns where a folder cannot be made under /proc. */
function makeFolder(dir: string): void {
  if (existsSync(dir)) return;
  if (dirname(dir) !== dir) makeFolder(dirname(dir));
  try {
    mkdirSync(dir);
  } catch (error) {
    // Another process may have made it in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function countDead(dir: string, prefix: string): void {
  for (const file of readdirSync(dir)) {
    if (!file.startsWith(prefix) || !file.endsWith('.json')) continue;
    const pid = Number(file.slice(prefix.length, -'.json'.length));
    if (!Number.isInteger(pid)) continue;
    const path = join(dir, file);
    const facts = readFacts(path);
    if (facts === undefined || isAlive(pid, facts.birth)) continue;
    const claimed = `${path}.${process.pid}`;
    try {
      // Of several processes that start at once, the one whose rename succeeds counts the kill.
      renameSync(path, claimed);
    } catch {
      continue;
    }
    appendFileSync(join(dir, KILLS), `${JSON.stringify({ ...facts, pid })}\n`, { mode: 0o600 });
    rmSync(claimed, { force: true });
  }
}

/** What the file says; a file cut short by the kill still counts, with no facts; undefined when it is gone. */
function readFacts(path: string): { name?: string; birth?: string } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return JSON.parse(text) as { name?: string; birth?: string };
  } catch {
    return {};
  }
}

function readKills(dir: string, name: string): number {
  let text: string;
  try {
    text = readFileSync(join(dir, KILLS), 'utf8');
  } catch {
    return 0;
  }
  const mine = (line: string): boolean => {
    try {
      const facts = JSON.parse(line) as { name?: string };
      return facts.name === undefined || facts.name === name;
    } catch {
      return false;
    }
  };
  return text.split('\n').filter((line) => line !== '' && mine(line)).length;
}

/** A pid is used again, above all 1 in a container: the birth time tells processes apart. */
function isAlive(pid: number, birth: string | undefined): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = birthOf(pid);
  return now === undefined || birth === undefined || now === birth;
}

/** Start time of a process in clock ticks since boot, field 22 of /proc/PID/stat; undefined elsewhere. */
function birthOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
