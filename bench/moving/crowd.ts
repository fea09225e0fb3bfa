import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Opening, Question, Told } from './crowd-process.ts';
import { withDescriptors } from './descriptors.ts';

/** The clients, in a process of their own. */
export class Crowd {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async open(opening: Opening): Promise<Crowd> {
    const file = fileURLToPath(new URL('crowd-process.ts', import.meta.url));
    const [command, args] = withDescriptors([process.execPath, file]);
    const crowd = new Crowd(
      spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
    );
    try {
      await crowd.#ask({ ask: 'open', opening });
    } catch (error) {
      await crowd.end();
      throw error;
    }
    return crowd;
  }

  /** For each client: the longest time without an event since the last call, in ms. */
  async longest(): Promise<number[]> {
    return (await this.#ask({ ask: 'longest' })) as number[];
  }

  async told(): Promise<Told> {
    return (await this.#ask({ ask: 'account' })) as Told;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.send({ ask: 'end' } satisfies Question);
    await exit;
  }

  async #ask(question: Question): Promise<unknown> {
    const heard = Promise.withResolvers<{ value?: unknown; error?: string }>();
    const onExit = (): void => heard.reject(new Error('the process of the clients has ended'));
    this.#child.once('message', heard.resolve);
    this.#child.once('exit', onExit);
    this.#child.send(question);
    try {
      const { value, error } = await heard.promise;
      if (error !== undefined) throw new Error(error);
      return value;
    } finally {
      this.#child.off('message', heard.resolve);
      this.#child.off('exit', onExit);
    }
  }
}
