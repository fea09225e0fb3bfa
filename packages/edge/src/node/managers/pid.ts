import { readFileSync } from 'node:fs';
import { EdgeError } from '../../errors.ts';
import { processFacts } from '../../proxy/processes.ts';
import { until } from '../../proxy/wait.ts';
import type { NodeEntry } from '../inventory.ts';
import type { Exit, Manager } from './manager.ts';

/** A process that is stopped by SIGTERM: any program at all. */
export class Pid implements Manager {
  readonly #node: NodeEntry;
  /** undefined: the process has gone, or never was. */
  readonly #pid: number | undefined;
  readonly #birth: string | undefined;

  constructor(node: NodeEntry) {
    this.#node = node;
    this.#pid = node.pid ?? pidFrom(node.pidFile ?? '');
    this.#birth = this.#pid === undefined ? undefined : processFacts(this.#pid)?.birth;
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
    return Promise.resolve(
      this.#pid === undefined ? `${pidFile} holds no pid` : `there is no process ${this.#pid}`,
    );
  }

  async stop(): Promise<void> {
    await this.check();
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

function pidFrom(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}
