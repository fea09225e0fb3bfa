import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A data folder; when it is disposed of, a PostgreSQL that still runs in it is ended first. */
export interface DataFolder {
  readonly path: string;
  /** The process number in the server's lock file; undefined when there is none. */
  postmaster(): number | undefined;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A process that has ended and waits to be reaped is not alive. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function endProcess(pid: number): Promise<void> {
  if (isAlive(pid)) process.kill(pid, 'SIGQUIT');
  while (isAlive(pid)) await sleep(20);
}

/** Enterable by the account that PostgreSQL runs as. */
export function dataFolder(): DataFolder {
  const path = mkdtempSync(join(tmpdir(), 'lastcall-inference-'));
  chmodSync(path, 0o755);
  const postmaster = (): number | undefined => {
    try {
      const file = join(path, 'postgres', 'data', 'postmaster.pid');
      return Number(readFileSync(file, 'utf8').split('\n')[0]);
    } catch {
      return undefined;
    }
  };
  return {
    path,
    postmaster,
    async [Symbol.asyncDispose]() {
      const pid = postmaster();
      if (pid !== undefined) await endProcess(pid);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
