// What a target printed: the first and the last part of it, however much it was.
const headBytes = 64 * 1024;
const tailBytes = 64 * 1024;

export class Output {
  #head = '';
  #tail = '';
  /** All that was printed, in bytes. */
  bytes = 0;

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    const text = chunk.toString('utf8');
    const room = Math.max(0, headBytes - this.#head.length);
    this.#head += text.slice(0, room);
    this.#tail = (this.#tail + text.slice(room)).slice(-tailBytes);
  }

  get text(): string {
    const kept = Buffer.byteLength(this.#head) + Buffer.byteLength(this.#tail);
    const gap = this.bytes > kept ? `\n[... ${this.bytes - kept} bytes left out ...]\n` : '';
    return `${this.#head}${gap}${this.#tail}`;
  }

  /** The last lines, for messages. */
  lastLines(count: number): string {
    return this.text.trimEnd().split('\n').slice(-count).join('\n');
  }
}
