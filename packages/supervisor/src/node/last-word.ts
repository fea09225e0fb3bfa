import { withinOr } from './within.ts';

/** What another process says of itself; what it said last counts while it is late. */
export class LastWord<T> {
  readonly #limitMs: number;
  readonly #said = new WeakMap<object, T>();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Nothing when there is nobody to ask, or it has gone, or has never said anything yet. */
  async of<P extends object>(
    who: P | undefined,
    ask: (who: P) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    if (!who) return undefined;
    const word = await withinOr(ask(who), this.#limitMs, this.#said.get(who));
    if (word !== undefined) this.#said.set(who, word);
    return word;
  }
}
