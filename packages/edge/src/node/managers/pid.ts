import { readFileSync, statSync } from 'node:fs';
import { EdgeError } from '../../errors.ts';
import { bornAt, lives, processFacts, type Told } from '../../proxy/processes.ts';
import { until } from '../../proxy/wait.ts';
import type { NodeEntry } from '../inventory.ts';
import type { Exit, Manager, Telling } from './manager.ts';

/** A process that is stopped by SIGTERM: any program at all. */
export class Pid implements Manager {
  readonly #node: NodeEntry;
  /** undefined: the process has gone, or never was. */
  readonly #pid: number | undefined;
  readonly #birth: string | undefined;
  /** The number in the pid file is another process's by now. */
  readonly #stale: boolean;

  /** Of a stop that goes on it is the process that was told, as long as that lives. */
  constructor(node: NodeEntry, told?: Told) {
    this.#node = node;
    const current = told && lives(told) ? told.pid : undefined;
    this.#pid = current ?? node.pid ?? pidFrom(node.pidFile ?? '');
    const facts = this.#pid === undefined ? undefined : processFacts(this.#pid);
    this.#stale =
      facts !== undefined && current === undefined && node.pid === undefined
        ? isYounger(facts, node.pidFile ?? '')
        : false;
    this.#birth = this.#stale ? undefined : facts?.birth;
  }

  get target(): Told | undefined {
    return this.alive ? { pid: this.#pid!, birth: this.#birth! } : undefined;
  }

  get alive(): boolean {
    return this.#birth !== undefined && processFacts(this.#pid!)?.birth === this.#birth;
  }

  async check(): Promise<void> {
    const gone = await this.gone();
    if (gone === undefined) return;
    const { server } = this.#node;
    throw new EdgeError(
      'ERR_EDGE_MANAGER',
      `Node ${server} is not running: ${gone}. There is nothing to stop.`,
      { server },
    );
  }

  gone(): Promise<string | undefined> {
    if (this.alive) return Promise.resolve(undefined);
    const { pidFile } = this.#node;
    if (this.#stale)
      return Promise.resolve(
        `${pidFile} is stale: process ${this.#pid} began after the file was written (touch the file if it is right all the same)`,
      );
    return Promise.resolve(
      this.#pid === undefined ? `${pidFile} holds no pid` : `there is no process ${this.#pid}`,
    );
  }

  async stop(telling?: Telling): Promise<void> {
    await this.check();
    // One that may not be told is not written down as told.
    process.kill(this.#pid!, 0);
    telling?.({ pid: this.#pid!, birth: this.#birth! });
    process.kill(this.#pid!, 'SIGTERM');
  }

  async exited(withinMs: number): Promise<Exit | undefined> {
    const ended = await until(() => !this.alive, withinMs);
    return ended
      ? { exitCode: undefined, told: `process ${this.#pid ?? ''} has ended` }
      : undefined;
  }

  async force(): Promise<void> {
    if (this.alive) process.kill(this.#pid!, 'SIGKILL');
  }

  /** A signal cannot be taken back; whether it was sent, only the node's readiness tells. */
  undo(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

/** Clocks may be set meanwhile; a number comes back after longer than that. */
const CLOCK_MS = 60_000;

/** Whether a process began clearly after the file was written that names it. */
function isYounger(facts: Told, file: string): boolean {
  const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return written !== undefined && bornAt(facts) > written + CLOCK_MS;
}

function pidFrom(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}
