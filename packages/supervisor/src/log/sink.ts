import { closeSync, openSync, write } from 'node:fs';

const HIGH_BYTES = 1024 * 1024;
const RETRY_MS = 20;
const KEEP_LINES = 500;

/**
 * Where all lines go: a file, or standard output. Lines wait in memory while the disk or the reader
 * is slow; whoever writes is asked to pause (`full`) rather than losing lines. A disk that is full
 * costs the lines, never the service: they are counted and said once there is room again.
 */
export class LogSink {
  readonly #path: string | undefined;
  #fd: number;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #writing = false;
  #drained: (() => void)[] = [];
  readonly #followers = new Set<(line: Buffer) => void>();
  readonly #recent: Buffer[] = [];
  /** Lines that could not be written, and why the last one could not. */
  lost = 0;
  lastError: string | undefined;

  /** Throws when the file cannot be opened. */
  constructor(path?: string) {
    this.#path = path;
    this.#fd = path === undefined ? 1 : openSync(path, 'a', 0o644);
  }

  get full(): boolean {
    return this.#queuedBytes > HIGH_BYTES;
  }

  write(line: Buffer | string): void {
    const bytes = typeof line === 'string' ? Buffer.from(line) : line;
    this.#recent.push(bytes);
    if (this.#recent.length > KEEP_LINES) this.#recent.shift();
    for (const follower of this.#followers) follower(bytes);
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#pump();
  }

  /** Calls back once there is room again. */
  whenRoom(then: () => void): void {
    this.#drained.push(then);
  }

  /** The last lines, oldest first. */
  recent(count: number): Buffer[] {
    return count <= 0 ? [] : this.#recent.slice(-count);
  }

  /** Calls `follower` with each new line until the returned function is called. */
  follow(follower: (line: Buffer) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** Opens the file anew, after it has been moved away. What is queued goes to the new one. */
  reopen(): void {
    if (this.#path === undefined) return;
    const fd = openSync(this.#path, 'a', 0o644);
    const old = this.#fd;
    this.#fd = fd;
    // A write under way still holds the old number.
    if (this.#writing) this.#drained.push(() => closeSync(old));
    else closeSync(old);
  }

  /** Resolves when all is written, or when a reader that has stopped has had its time. */
  async end(limitMs = 1_000): Promise<void> {
    const untilMs = performance.now() + limitMs;
    while (this.#queue.length > 0 && performance.now() < untilMs)
      await new Promise<void>((resolve) => {
        this.#drained.push(resolve);
        setTimeout(resolve, RETRY_MS);
      });
  }

  #pump(): void {
    if (this.#writing || this.#queue.length === 0) return;
    this.#writing = true;
    const batch = Buffer.concat(this.#queue);
    this.#queue = [batch];
    write(this.#fd, batch, (error, written) => {
      this.#writing = false;
      if (!error) this.#took(written);
      else if (error.code !== 'EAGAIN') this.#lose(error);
      else {
        setTimeout(() => this.#pump(), RETRY_MS).unref();
        return;
      }
      this.#pump();
    });
  }

  #took(written: number): void {
    const first = this.#queue[0];
    if (!first) return;
    if (written < first.length) this.#queue[0] = first.subarray(written);
    else this.#queue.shift();
    this.#queuedBytes -= written;
    if (this.lost > 0 && this.#queue.length === 0) this.#sayLost();
    this.#release();
  }

  #lose(error: Error): void {
    const bytes = this.#queue.shift();
    this.#queuedBytes -= bytes?.length ?? 0;
    this.lost += bytes?.toString('latin1').split('\n').length ?? 0;
    this.lastError = error.message;
    this.#release();
  }

  #sayLost(): void {
    const line = `[supervisor] ${this.lost} log lines were lost: ${this.lastError ?? 'unknown'}\n`;
    this.lost = 0;
    this.write(line);
  }

  #release(): void {
    if (this.full) return;
    const waiting = this.#drained;
    this.#drained = [];
    for (const then of waiting) then();
  }
}
