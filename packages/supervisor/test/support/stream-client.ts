// A client over a bare socket that checks every event of a stream: each number once, in order, on one connection.
import { connect, type Socket } from 'node:net';

/** Reads one stream of numbered lines or server-sent events. */
export class StreamClient {
  readonly socket: Socket;
  /** The number of the last event. */
  last: number;
  /** Who has written, in the order of their first event. */
  readonly writers: string[] = [];
  head = '';
  /** What is wrong with what came; empty when nothing is. */
  readonly faults: string[] = [];
  readonly closed: Promise<void>;
  /** The body has come to its end. */
  readonly ended: Promise<void>;
  /** What came after the end of the body. */
  after = '';
  #raw = '';
  #body = '';
  #over = false;
  readonly #end = Promise.withResolvers<void>();
  readonly #watchers = new Set<() => void>();

  /**
   * `at`: a port, or the path of a unix socket. `last`: the number of the last event that was seen on
   * an earlier connection.
   */
  constructor(at: number | string, path: string, more = '', last = 0) {
    this.last = last;
    this.ended = this.#end.promise;
    this.socket = typeof at === 'string' ? connect(at) : connect(at, '127.0.0.1');
    this.socket.setEncoding('latin1');
    this.socket.on('error', (error) => this.faults.push(error.message));
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => resolve());
    });
    this.socket.on('data', (chunk: string) => this.#take(chunk));
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\nX-Token: secret\r\n\r\n${more}`);
  }

  /** Resolves when `number` or a later one has come. */
  async event(number: number): Promise<void> {
    await this.when(() => this.last >= number);
  }

  when(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (holds()) resolve();
        else if (this.socket.closed) reject(new Error(`the connection closed at ${this.last}`));
        else return;
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      void this.closed.then(look);
    });
  }

  #take(chunk: string): void {
    this.#raw += chunk;
    if (this.head === '') {
      const end = this.#raw.indexOf('\r\n\r\n');
      if (end === -1) return;
      this.head = this.#raw.slice(0, end);
      this.#raw = this.#raw.slice(end + 4);
    }
    if (!this.#over) this.#dechunk();
    if (this.#over) {
      this.after += this.#raw;
      this.#raw = '';
    }
    for (const look of this.#watchers) look();
  }

  /** Chunk by chunk (RFC 9112 section 7.1); anything that is none is a fault. */
  #dechunk(): void {
    for (;;) {
      const line = this.#raw.indexOf('\r\n');
      if (line === -1) break;
      const size = /^[0-9a-f]+$/.test(this.#raw.slice(0, line))
        ? Number.parseInt(this.#raw.slice(0, line), 16)
        : Number.NaN;
      if (Number.isNaN(size)) {
        this.faults.push(`no chunk: ${this.#raw.slice(0, 60)}`);
        this.socket.destroy();
        return;
      }
      if (this.#raw.length < line + 2 + size + 2) break;
      this.#body += this.#raw.slice(line + 2, line + 2 + size);
      this.#raw = this.#raw.slice(line + 2 + size + 2);
      if (size === 0) {
        this.#over = true;
        this.#end.resolve();
        break;
      }
    }
    this.#events();
  }

  #events(): void {
    const lines = this.#body.split('\n');
    this.#body = lines.pop() ?? '';
    for (const line of lines) {
      const numbered = /^(?:id: )?(\d+)(?: (\d+))?/.exec(line);
      const number = numbered && Number(numbered[1]);
      if (number) {
        if (number !== this.last + 1) this.faults.push(`${number} after ${this.last}`);
        this.last = number;
      }
      const writer = numbered?.[2] ?? /^data: (\d+)/.exec(line)?.[1];
      if (writer !== undefined && this.writers.at(-1) !== writer) this.writers.push(writer);
    }
  }
}
