const LINE_MAX_BYTES = 64 * 1024;

/**
 * Cuts a stream of chunks into whole lines, each with its prefix. A line longer than 64 KiB is
 * passed on in pieces, so that one process that never ends its line cannot fill the memory.
 */
export class Lines {
  readonly #prefix: Buffer;
  readonly #out: (line: Buffer) => void;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(prefix: string, out: (line: Buffer) => void) {
    this.#prefix = Buffer.from(prefix);
    this.#out = out;
  }

  write(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      this.#emit(chunk.subarray(from, at + 1));
      from = at + 1;
    }
    if (from === chunk.length) return;
    this.#rest.push(chunk.subarray(from));
    this.#restBytes += chunk.length - from;
    if (this.#restBytes >= LINE_MAX_BYTES) this.end();
  }

  /** Passes on what has no line end yet. */
  end(): void {
    if (this.#restBytes > 0) this.#emit(Buffer.from('\n'));
  }

  #emit(tail: Buffer): void {
    const line = Buffer.concat([this.#prefix, ...this.#rest, tail]);
    this.#rest = [];
    this.#restBytes = 0;
    this.#out(line);
  }
}
