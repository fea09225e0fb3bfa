import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { send, SupervisorError } from '@lastcall/supervisor';
import { EdgeError } from '../errors.ts';
import { processFacts } from '../proxy/processes.ts';
import { until } from '../proxy/wait.ts';
import type { NodeEntry } from './inventory.ts';

/** How a node ended, as far as its manager tells. */
export interface Exit {
  exitCode: number | undefined;
  lost: number | undefined;
  told: string;
}

/** Whoever can stop a node. `stop` is safe to repeat. */
export interface Manager {
  /** Throws when the node cannot be told to stop, as far as that can be known before. */
  check(): Promise<void>;
  /** Tells the node to stop; returns when it has been told. */
  stop(): Promise<void>;
  /** Resolves when the node has stopped; undefined when it has not within `withinMs`. */
  exited(withinMs: number): Promise<Exit | undefined>;
  force(): Promise<void>;
  /** Takes the stop back; false when that cannot be done any more. */
  undo(): Promise<boolean>;
}

export function managerOf(node: NodeEntry): Manager {
  if (node.control !== undefined) return new ControlSocket(node.control);
  const process = node.pid === undefined && node.pidFile === undefined ? undefined : new Pid(node);
  if (node.admin !== undefined) return new AdminEndpoint(node, process);
  if (process) return process;
  throw new EdgeError(
    'ERR_EDGE_CONFIG',
    `Node ${node.server} says nothing of how it is stopped. Give it control, admin, pid or pidFile.`,
    { server: node.server },
  );
}

/** The supervisor's control socket: its answer to "stop" comes when the node has stopped. */
class ControlSocket implements Manager {
  readonly #path: string;
  #answer: Promise<Exit> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async check(): Promise<void> {
    await this.#send('status').catch((error: unknown) => {
      throw managerError('The node cannot be told to stop', error);
    });
  }

  async stop(): Promise<void> {
    this.#answer = this.#ask(false);
    this.#answer.catch(() => {});
  }

  async exited(withinMs: number): Promise<Exit | undefined> {
    this.#answer ??= this.#ask(false);
    const over = new AbortController();
    const late = sleep(withinMs, undefined, { signal: over.signal }).catch(() => undefined);
    try {
      return await Promise.race([this.#answer, late]);
    } finally {
      over.abort();
    }
  }

  async force(): Promise<void> {
    this.#answer = this.#ask(true);
    this.#answer.catch(() => {});
  }

  async undo(): Promise<boolean> {
    const result = await this.#send('resume').catch(() => undefined);
    return (result as { resumed?: boolean } | undefined)?.resumed === true;
  }

  async #ask(quick: boolean): Promise<Exit> {
    try {
      const { exit_code: exitCode } = (await this.#send('stop', quick ? { quick } : {})) as {
        exit_code: number;
      };
      return { exitCode, lost: undefined, told: `the supervisor ended with code ${exitCode}` };
    } catch (error) {
      if (!(error instanceof SupervisorError)) throw error;
      // Asked again after a crash of the controller, the supervisor may have gone already.
      const gone = await this.#send('status').then(
        () => false,
        () => true,
      );
      if (gone) return { exitCode: undefined, lost: undefined, told: 'the supervisor has gone' };
      throw managerError(`The supervisor on ${this.#path} did not stop`, error);
    }
  }

  #send(verb: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return send(this.#path, { verb, args });
  }
}

class Pid implements Manager {
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
    if (this.alive) return;
    const { server, pidFile } = this.#node;
    throw new EdgeError(
      'ERR_EDGE_MANAGER',
      `Node ${server} is not running: ${this.#pid === undefined ? `${pidFile} holds no pid` : `there is no process ${this.#pid}`}. There is nothing to stop.`,
      { server },
    );
  }

  async stop(): Promise<void> {
    await this.check();
    process.kill(this.#pid!, 'SIGTERM');
  }

  async exited(withinMs: number): Promise<Exit | undefined> {
    const ended = await until(() => !this.alive, withinMs);
    return ended
      ? { exitCode: undefined, lost: undefined, told: `process ${this.#pid ?? ''} has ended` }
      : undefined;
  }

  async force(): Promise<void> {
    if (this.alive) process.kill(this.#pid!, 'SIGKILL');
  }

  undo(): Promise<boolean> {
    return Promise.resolve(!this.alive);
  }
}

/** The endpoints of the contract; a process behind them is stopped when the drain is done. */
class AdminEndpoint implements Manager {
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
        return { exitCode: undefined, lost: undefined, told: 'the process has ended' };
      if ((error as { cause?: { name?: string } }).cause?.name === 'TimeoutError') return undefined;
      throw error;
    }
    const { status, waited_seconds: waited, cancelled_streams: cancelled = 0 } = answer;
    const exitCode = status === 'completed' ? 0 : 3;
    const told = `drain ${String(status)} after ${String(waited)} s, cancelled ${String(cancelled)}`;
    if (this.#process?.alive) await this.#process.stop();
    const leftMs = withinMs - (performance.now() - startedMs);
    if (this.#process && !(await this.#process.exited(leftMs))) return undefined;
    return { exitCode, lost: undefined, told };
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

function pidFrom(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

const managerError = (what: string, cause: unknown): EdgeError =>
  new EdgeError('ERR_EDGE_MANAGER', `${what}: ${reason(cause)}`, {}, { cause });

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The supervisor's own errors say it all.
  if (error instanceof SupervisorError) return error.message;
  const { cause } = error;
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message;
}
