import { open } from 'node:fs/promises';

/** A line longer than this is no line of a log; so much of it is kept at the most. */
const LINE_MAX = 64 * 1_024;
const CHUNK_BYTES = 1 << 20;
const NEWLINE = 10;

/** How far reading has come. */
export interface Progress {
  bytes: number;
  /** `null` where nobody knows: a pipe. */
  totalBytes: number | null;
  /** Durations understood. */
  read: number;
  /** Lines not understood. */
  skipped: number;
}

/** Where lines come from: a file, or `-` for the standard input. */
export interface Lines {
  totalBytes: number | null;
  chunks: AsyncIterable<Buffer>;
}

export async function openLines(path: string): Promise<Lines> {
  if (path === '-') return { totalBytes: null, chunks: process.stdin };
  const file = await open(path);
  const { size } = await file.stat();
  // A pipe with a name says 0.
  const totalBytes = size > 0 ? size : null;
  return { totalBytes, chunks: file.createReadStream({ highWaterMark: CHUNK_BYTES }) };
}

/**
 * Cuts bytes into lines, whatever the chunks, in constant memory: of a line that never ends no more
 * is kept than a line may be long. Bytes become characters one by one, which is enough for numbers.
 */
export class LineCutter {
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: () => void;
  #rest = '';
  #tooLong = false;

  constructor(onLine: (line: string) => void, onTooLong: () => void) {
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  take(chunk: Buffer): void {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      this.#add(chunk, from, to);
      this.#end();
      from = to + 1;
    }
    this.#add(chunk, from, chunk.length);
  }

  /** The last line needs no end. */
  finish(): void {
    if (this.#rest !== '' || this.#tooLong) this.#end();
  }

  #add(chunk: Buffer, from: number, to: number): void {
    if (this.#tooLong || from === to) return;
    this.#tooLong = this.#rest.length + to - from > LINE_MAX;
    this.#rest = this.#tooLong ? '' : this.#rest + chunk.toString('latin1', from, to);
  }

  #end(): void {
    const line = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest;
    const tooLong = this.#tooLong;
    this.#rest = '';
    this.#tooLong = false;
    if (tooLong) this.#onTooLong();
    else this.#onLine(line);
  }
}
