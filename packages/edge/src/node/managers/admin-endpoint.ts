import { EdgeError } from '../../errors.ts';
import type { NodeEntry } from '../inventory.ts';
import { type Exit, type Manager, managerError } from './manager.ts';
import type { Pid } from './pid.ts';

/** The endpoints of the contract; a process behind them is stopped when the drain is done. */
export class AdminEndpoint implements Manager {
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #process: Pid | undefined;

  constructor({ admin = '', tokenEnv }: NodeEntry, process_: Pid | undefined) {
    this.#url = admin.replace(/\/$/, '');
    this.#token = process.env[tokenEnv];
    this.#process = process_;
  }

  async check(): Promise<void> {
    await fetch(`${this.#url}/health`, { signal: AbortSignal.timeout(5_000) }).catch(
      (error: unknown) => {
        throw managerError(`No answer from ${this.#url}`, error);
      },
    );
    await this.#process?.check();
  }

  async stop(): Promise<void> {
    await this.#post('/-/shutdown/drain', 5_000);
  }

  async exited(withinMs: number): Promise<Exit | undefined> {
    const startedMs = performance.now();
    let answer: Record<string, unknown>;
    try {
      answer = await this.#post('/shutdown/wait', withinMs);
    } catch (error) {
      // Without a connection the only witness left is the process.
      if (this.#process && !this.#process.alive)
        return { exitCode: undefined, told: 'the process has ended' };
      if ((error as { cause?: { name?: string } }).cause?.name === 'TimeoutError') return undefined;
      throw error;
    }
    const { status, waited_seconds: waited, cancelled_streams: cancelled = 0 } = answer;
    const exitCode = status === 'completed' ? 0 : 3;
    const told = `drain ${String(status)} after ${String(waited)} s, cancelled ${String(cancelled)}`;
    if (this.#process?.alive) await this.#process.stop();
    const leftMs = withinMs - (performance.now() - startedMs);
    if (this.#process && !(await this.#process.exited(leftMs))) return undefined;
    return { exitCode, told };
  }

  async force(): Promise<void> {
    if (this.#process) await this.#process.force();
    else
      throw new EdgeError(
        'ERR_EDGE_MANAGER',
        `${this.#url} cannot be forced: it has an admin endpoint and no pid. Kill the process on its host.`,
      );
  }

  async undo(): Promise<boolean> {
    const answer = await this.#post('/shutdown/reset', 5_000).catch(() => undefined);
    return answer?.status === 'reset_complete';
  }

  async #post(path: string, withinMs: number): Promise<Record<string, unknown>> {
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#url + path, {
        method: 'POST',
        headers,
        signal: AbortSignal.timeout(Math.max(1, Math.ceil(withinMs))),
      });
      text = await response.text();
    } catch (error) {
      throw managerError(`No answer from ${this.#url}${path}`, error);
    }
    if (!response.ok)
      throw new EdgeError(
        'ERR_EDGE_MANAGER',
        `${this.#url}${path} answered ${response.status}: ${text.slice(0, 200)}${response.status === 403 ? '. Set the token of tokenEnv, or add this address to LASTCALL_OPERATOR_CIDRS' : ''}`,
        { status: response.status },
      );
    return JSON.parse(text) as Record<string, unknown>;
  }
}
