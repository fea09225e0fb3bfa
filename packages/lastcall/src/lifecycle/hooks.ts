import { LastcallError } from '../errors.ts';
import type { Stop } from './stop.ts';

export type HookPhase = 'drain' | 'resume' | 'checkpoint' | 'close' | 'flush';
export type Hook = () => unknown;

export interface HookFailure {
  phase: HookPhase;
  name: string;
  error: unknown;
}

/** The named hooks of each phase, and what failed in them. */
export class Hooks {
  readonly #hooks: Record<HookPhase, { name: string; run: Hook }[]> = {
    drain: [],
    resume: [],
    checkpoint: [],
    close: [],
    flush: [],
  };
  readonly failures: HookFailure[] = [];

  add(phase: HookPhase, name: string, run: Hook): void {
    if (typeof run !== 'function')
      throw new LastcallError(
        'ERR_LASTCALL_OPTION',
        `Hook ${name}: expected a function, got ${typeof run}. Pass the function itself, not its result.`,
        { option: name },
      );
    this.#hooks[phase].push({ name, run });
  }

  /** Runs the hooks of a phase side by side: they have nothing to wait for in each other. */
  async runTogether(phase: HookPhase, stop: Stop | undefined): Promise<void> {
    await Promise.all(this.#hooks[phase].map((hook) => this.#run(phase, hook, stop)));
  }

  /** Runs close hooks one after another, the last registered first, whatever fails. */
  async runReversed(phase: HookPhase, stop: Stop): Promise<void> {
    for (const hook of this.#hooks[phase].toReversed()) await this.#run(phase, hook, stop);
  }

  /** All failures as one error; undefined when there was none. */
  failure(): AggregateError | undefined {
    if (this.failures.length === 0) return undefined;
    const list = this.failures.map(({ phase, name, error }) => `${phase} ${name}: ${text(error)}`);
    return new AggregateError(
      this.failures.map(({ error }) => error),
      `${this.failures.length} hook(s) failed while stopping: ${list.join('; ')}`,
    );
  }

  async #run(
    phase: HookPhase,
    { name, run }: { name: string; run: Hook },
    stop: Stop | undefined,
  ): Promise<void> {
    const work = (async () => {
      try {
        await run();
      } catch (error) {
        this.failures.push({ phase, name, error });
      }
    })();
    if (!stop) return work;
    const ended = await stop.until(work, () => stop.endMs);
    if (!ended && !stop.undone)
      this.failures.push({
        phase,
        name,
        error: new LastcallError(
          'ERR_LASTCALL_HOOK',
          `The ${phase} hook ${name} had not ended when the time was up.`,
          { phase, name },
        ),
      });
    return undefined;
  }
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
