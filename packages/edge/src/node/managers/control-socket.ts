import { setTimeout as sleep } from 'node:timers/promises';
import { send, SupervisorError } from '@lastcall/supervisor/client';
import { type Exit, type Manager, managerError } from './manager.ts';

/** A supervisor that hangs accepts, and never answers. */
const ANSWER_MS = 5_000;

/** The supervisor's control socket: its answer to "stop" comes when the node has stopped. */
export class ControlSocket implements Manager {
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

  async gone(): Promise<string | undefined> {
    try {
      await this.#send('status', {}, AbortSignal.timeout(ANSWER_MS));
    } catch (error) {
      const cause = error instanceof SupervisorError ? error.cause : undefined;
      const { code = '' } = (cause ?? {}) as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ECONNREFUSED')
        return `no supervisor answers on ${this.#path}`;
    }
    return undefined;
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
      return { exitCode, told: `the supervisor ended with code ${exitCode}` };
    } catch (error) {
      if (!(error instanceof SupervisorError)) throw error;
      // Asked again after a crash of the controller, the supervisor may have gone already.
      const gone = await this.#send('status').then(
        () => false,
        () => true,
      );
      if (gone) return { exitCode: undefined, told: 'the supervisor has gone' };
      throw managerError(`The supervisor on ${this.#path} did not stop`, error);
    }
  }

  #send(verb: string, args: Record<string, unknown> = {}, enough?: AbortSignal): Promise<unknown> {
    return send(this.#path, { verb, args }, undefined, enough);
  }
}
