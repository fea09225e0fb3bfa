// What a target printed or answered: the first and the last part of it, however much it was.
import { StringDecoder } from 'node:string_decoder';

export class Output {
  readonly #part: number;
  #decoder: StringDecoder | undefined;
  #head = '';
  #tail = '';
  /** Characters between the two that were not kept. */
  #left = 0;

  /** Keeps `part` characters of the beginning, and as many of the end. */
  constructor(part = 64 * 1024) {
    this.#part = part;
  }

  add(chunk: Buffer): void {
    // Only what does not end in ASCII can end in the middle of a character, and most answers do end so.
    if ((chunk.at(-1) ?? 0) >= 0x80) this.#decoder ??= new StringDecoder('utf8');
    const text = this.#decoder?.write(chunk) ?? chunk.toString('utf8');
    const room = Math.max(0, this.#part - this.#head.length);
    this.#head += text.slice(0, room);
    const tail = this.#tail + text.slice(room);
    const over = Math.max(0, tail.length - this.#part);
    this.#left += over;
    this.#tail = tail.slice(over);
  }

  get text(): string {
    const gap = this.#left > 0 ? `\n[... ${this.#left} characters left out ...]\n` : '';
    return `${this.#head}${gap}${this.#tail}`;
  }

  /** The last lines, for messages. */
  lastLines(count: number): string {
    return this.text.trimEnd().split('\n').slice(-count).join('\n');
  }
}
