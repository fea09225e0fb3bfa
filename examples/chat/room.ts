// What was said, in one order for all workers: a file that each of them appends to and follows.
// A service on more than one machine would have a log of its database or broker here.
import { mkdirSync, openSync, readSync, watch, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export class Room {
  /** Every message, ready to be sent; its place here is its number. */
  readonly said: string[] = [];
  readonly #file: number;
  readonly #buffer = Buffer.alloc(65_536);
  #offset = 0;
  #rest = Buffer.alloc(0);

  /** `onMore` is called whenever something was said, by whichever worker's people. */
  constructor(path: string, onMore: () => void) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a+');
    watch(path, () => {
      if (this.#read()) onMore();
    });
    this.#read();
  }

  /** One write with O_APPEND: lines of two workers are never mixed. */
  say(name: string, text: string): void {
    writeSync(this.#file, `${JSON.stringify({ name, text })}\n`);
  }

  #read(): boolean {
    const before = this.said.length;
    for (;;) {
      const size = readSync(this.#file, this.#buffer, 0, this.#buffer.length, this.#offset);
      if (size === 0) return this.said.length > before;
      this.#offset += size;
      let bytes = Buffer.concat([this.#rest, this.#buffer.subarray(0, size)]);
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10)) {
        const line = JSON.parse(bytes.toString('utf8', 0, end)) as { name: string; text: string };
        this.said.push(JSON.stringify({ number: this.said.length, ...line }));
        bytes = bytes.subarray(end + 1);
      }
      this.#rest = Buffer.from(bytes);
    }
  }
}
