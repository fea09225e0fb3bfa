import { z } from 'zod';
import { EdgeError } from '../../errors.ts';
import type { Told } from '../../proxy/processes.ts';
import type { NodeEntry } from '../inventory.ts';
import { type Exit, type Manager, managerError, type Telling } from './manager.ts';
import type { Pid } from './pid.ts';

/** One wait for the end of a drain; fetch itself gives up on an answer after 300 s. */
const WAIT_MS = 120_000;

/** A call on a connection that has been idle could meet its close, and nobody knows then whether it was heard. */
const OWN_CONNECTION = { connection: 'close' };

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
    await this.#health().catch((error: unknown) => {
      throw managerError(`No answer from ${this.#url}`, error);
    });
    await this.#process?.check();
  }

  get target(): Told | undefined {
    return this.#process?.target;
  }

  async stop(telling?: Telling): Promise<void> {
    await this.#post('/-/shutdown/drain', 5_000);
    // Its signal comes when the drain is done; what was refused was not told.
    const { target } = this;
    if (target) telling?.(target);
  }

  async exited(withinMs: number): Promise<Exit | undefined> {
    const startedMs = performance.now();
    const left = (): number => withinMs - (performance.now() - startedMs);
    let answer: Record<string, unknown> | undefined;
    while (answer === undefined) {
      try {
        answer = await this.#post('/shutdown/wait', Math.min(left(), WAIT_MS));
      } catch (error) {
        // Without a connection the only witness left is the process.
        if (this.#process && !this.#process.alive)
          return { exitCode: undefined, told: 'the process has ended' };
        if ((error as { cause?: { name?: string } }).cause?.name !== 'TimeoutError') throw error;
        // Who asks again joins the wait.
        if (left() <= 0) return undefined;
      }
    }
    const { status, waited_seconds: waited, cancelled_streams: cancelled = 0 } = answer;
    const exitCode = status === 'completed' ? 0 : 3;
    const told = `drain ${String(status)} after ${String(waited)} s, cancelled ${String(cancelled)}`;
    if (this.#process?.alive) await this.#process.stop();
    if (this.#process && !(await this.#process.exited(left()))) return undefined;
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

  async gone(): Promise<string | undefined> {
    if (this.#process) return this.#process.gone();
    try {
      await this.#health();
    } catch (error) {
      const { cause } = error as { cause?: { code?: string } };
      // Silence may be the network's; a refusal is the host's own word.
      if (cause?.code === 'ECONNREFUSED') return `nothing listens on ${this.#url}`;
    }
    return undefined;
  }

  async undo(): Promise<boolean> {
    const answer = await this.#post('/shutdown/reset', 5_000).catch(() => undefined);
    return answer?.status === 'reset_complete';
  }

  async #health(): Promise<void> {
    const signal = AbortSignal.timeout(5_000);
    const response = await fetch(`${this.#url}/health`, { headers: OWN_CONNECTION, signal });
    await response.body?.cancel();
  }

  async #post(path: string, withinMs: number): Promise<Record<string, unknown>> {
    const token = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#url + path, {
        method: 'POST',
        headers: { ...OWN_CONNECTION, ...token },
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
    return this.#answer(path, text);
  }

  /** A service that answers every path is none that drains. */
  #answer(path: string, text: string): Record<string, unknown> {
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      // Told below.
    }
    const fields = z.looseObject({ status: z.string() }).safeParse(answer);
    if (fields.success) return fields.data;
    throw new EdgeError(
      'ERR_EDGE_MANAGER',
      `${this.#url}${path} answered 200 with no status: ${text.slice(0, 200)}. Is that the endpoint of the node (admin)?`,
    );
  }
}
