// What the drill is doing right now, in the last line of a terminal; elsewhere only what is done is printed.

/** The part of a terminal that is written to. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const clearLine = '\r\u001b[2K';

export class Progress {
  readonly #screen: Screen;
  #all = 0;
  readonly #running = new Set<string>();
  #done = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** `all` is the number of cases of the drill. */
  started(slug: string, all: number): void {
    this.#all = all;
    this.#running.add(slug);
    this.#draw();
  }

  /** Prints what is to be said of a case that is done, if anything. */
  ended(slug: string, text?: string): void {
    this.#running.delete(slug);
    this.#done += 1;
    if (text !== undefined) this.#screen.write(`${this.#clear}${text}\n`);
    this.#draw();
  }

  /** Takes the last line away again. */
  end(): void {
    this.#screen.write(this.#clear);
  }

  get #clear(): string {
    return this.#screen.isTTY === true ? clearLine : '';
  }

  #draw(): void {
    if (this.#screen.isTTY !== true || this.#running.size === 0) return;
    const text = `${this.#done} of ${this.#all} done; running ${[...this.#running].join(', ')}`;
    // A line that is broken in two would not be cleared as a whole.
    this.#screen.write(clearLine + text.slice(0, (this.#screen.columns ?? 80) - 1));
  }
}
