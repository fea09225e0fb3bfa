import { setTimeout as sleep } from 'node:timers/promises';
import { send, SupervisorError } from '@lastcall/supervisor/client';
import { EdgeError } from '../../errors.ts';
import { type Exit, type Manager, managerError } from './manager.ts';

/** A supervisor that hangs accepts, and never answers. */
const ANSWER_MS = 5_000;

/** The supervisor's control socket: its answer to "stop" comes when the node has stopped. */
export class ControlSocket implements Manager {
  readonly #path: string;
  #answer: Promise<Exit | undefined> | undefined;
  #enough = new AbortController();

  constructor(path: string) {
    this.#path = path;
  }

  async check(): Promise<void> {
    const answer = await this.#send('status', {}, AbortSignal.timeout(ANSWER_MS)).catch(
      (error: unknown) => {
        throw managerError('The node cannot be told to stop', error);
      },
    );
    if (answer === undefined)
      throw new EdgeError(
        'ERR_EDGE_MANAGER',
        `The node cannot be told to stop: the supervisor on ${this.#path} did not answer within ${ANSWER_MS / 1_000} s. Look whether it is stopped or hangs.`,
      );
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
      const exit = await Promise.race([this.#answer, late]);
      // Who asks again joins the stop; an open question would keep this process alive.
      if (!exit) this.#leave();
      return exit;
    } finally {
      over.abort();
    }
  }

  async force(): Promise<void> {
    this.#leave();
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
    const result = await this.#send('resume', {}, AbortSignal.timeout(ANSWER_MS)).catch(
      () => undefined,
    );
    return (result as { resumed?: boolean } | undefined)?.resumed === true;
  }

  /** Ends the wait for the answer; what was asked for goes on. */
  #leave(): void {
    this.#enough.abort();
    this.#enough = new AbortController();
    this.#answer = undefined;
  }

  async #ask(quick: boolean): Promise<Exit | undefined> {
    const { signal } = this.#enough;
    try {
      const answer = await this.#send('stop', quick ? { quick } : {}, signal);
      if (answer === undefined) return undefined;
      const { exit_code: exitCode } = answer as { exit_code: number };
      return { exitCode, told: `the supervisor ended with code ${exitCode}` };
    } catch (error) {
      if (!(error instanceof SupervisorError)) throw error;
      // Asked again after a crash of the controller, the supervisor may have gone already.
      const gone = await this.#send('status', {}, AbortSignal.timeout(ANSWER_MS)).then(
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
