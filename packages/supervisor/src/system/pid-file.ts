import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SupervisorError } from '../errors.ts';

/** The file that holds the supervisor's process id. */
export class PidFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws `ERR_SUPERVISOR_RUNNING` when the file names a supervisor that runs; a stale file is replaced. */
  expectFree(): void {
    const pid = this.#read();
    if (pid === undefined || pid === process.pid || !isSupervisor(pid)) return;
    throw new SupervisorError(
      'ERR_SUPERVISOR_RUNNING',
      `pidFile: ${this.#path} names a supervisor that runs (pid ${pid}). Stop it, or give this one another pidFile.`,
    );
  }

  /** Writes this process's id in one step, over whatever was there. */
  write(): void {
    const draft = `${this.#path}.${process.pid}`;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(draft, `${process.pid}\n`);
      renameSync(draft, this.#path);
    } catch (error) {
      throw new SupervisorError(
        'ERR_SUPERVISOR_CONFIG',
        `pidFile: cannot write ${this.#path}: ${(error as Error).message}.`,
        { cause: error },
      );
    }
  }

  /** Removes the file, unless a successor has written its own id. */
  remove(): void {
    if (this.#read() === process.pid) unlinkSync(this.#path);
  }

  #read(): number | undefined {
    try {
      const pid = Number(readFileSync(this.#path, 'utf8').trim());
      return Number.isInteger(pid) && pid > 0 ? pid : undefined;
    } catch {
      return undefined;
    }
  }
}

/** A pid is used again after a reboot: only a process that looks like this command counts. */
function isSupervisor(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('lastcall');
  } catch {
    return false;
  }
}
