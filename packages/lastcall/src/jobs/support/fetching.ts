/**
 * Fetches jobs while it is wanted. A start takes a while, and a drain may come meanwhile: what has
 * started for a drain that was undone and begun again is stopped at once.
 */
export class Fetching<T> {
  readonly #start: () => Promise<T>;
  readonly #stop: (source: T) => Promise<unknown>;
  readonly #stopping = new Set<Promise<void>>();
  #source: { readonly of: T } | undefined;
  #starting: Promise<void> | undefined;
  #wanted = false;

  constructor(start: () => Promise<T>, stop: (source: T) => Promise<unknown>) {
    this.#start = start;
    this.#stop = stop;
  }

  /** Resolves when it fetches, beside what is still stopping. Throws what the start throws. */
  async begin(): Promise<void> {
    this.#wanted = true;
    if (this.#source) return;
    this.#starting ??= this.#begin().finally(() => {
      this.#starting = undefined;
    });
    await this.#starting;
  }

  /** Resolves when nothing fetches any more, and all that has been stopped has ended. */
  async end(): Promise<void> {
    this.#wanted = false;
    this.#stopSource();
    await this.ended();
  }

  /** As `end`, where that has been called; at once while fetching is wanted. */
  async ended(): Promise<void> {
    if (this.#wanted) return;
    await this.#starting?.catch(() => undefined); // told to who began it
    await Promise.all(this.#stopping);
  }

  async #begin(): Promise<void> {
    this.#source = { of: await this.#start() };
    if (!this.#wanted) this.#stopSource();
  }

  #stopSource(): void {
    const source = this.#source;
    if (!source) return;
    this.#source = undefined;
    const stopping = this.#halt(source.of).finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }

  async #halt(source: T): Promise<void> {
    try {
      await this.#stop(source);
    } catch {
      // It has ended by itself.
    }
  }
}
