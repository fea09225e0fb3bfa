import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
  body: Buffer;
}

/** What happened to one connection, as the client saw it. */
export type Closing = 'end' | 'reset' | 'open';

/**
 * A client that writes bytes and reads answers, and retries nothing. It parses just enough of
 * HTTP/1.1 to know where an answer ends.
 */
export class RawClient {
  readonly socket: Socket;
  closing: Closing = 'open';
  #buffer = Buffer.alloc(0);
  /** How much of the buffer has been received and not given out. */
  #bytes = 0;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#append(chunk);
      this.#wake?.();
    });
    socket.on('end', () => {
      if (this.closing === 'open') this.closing = 'end';
      this.#wake?.();
    });
    socket.on('error', () => {
      this.closing = 'reset';
      this.#wake?.();
    });
    socket.on('close', () => this.#wake?.());
  }

  /** Connects (`over`: shakes hands on that connection); rejects when the connection is refused. */
  static async open(
    port: number,
    options: { tls?: boolean; host?: string; over?: Socket } = {},
  ): Promise<RawClient> {
    const { host = '127.0.0.1', over } = options;
    const socket = options.tls
      ? connectTls({ ...(over ? { socket: over } : { port, host }), rejectUnauthorized: false })
      : connect({ port, host });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once(options.tls ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  write(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** Sends a GET. */
  get(path: string, headers = ''): void {
    this.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  }

  /** The next whole answer; undefined when the connection ended without one. */
  async answer(): Promise<RawAnswer | undefined> {
    for (;;) {
      const parsed = this.#parse();
      if (parsed) {
        if (parsed.answer.status === 100) continue;
        return parsed.answer;
      }
      if (this.closing !== 'open' || this.socket.destroyed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Into spare room that doubles: joining all that is there for each chunk takes seconds for a large body. */
  #append(chunk: Buffer): void {
    const bytes = this.#bytes + chunk.length;
    if (bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(2 * bytes);
      this.#buffer.copy(larger, 0, 0, this.#bytes);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#bytes);
    this.#bytes = bytes;
  }

  #parse(): { answer: RawAnswer; length: number } | undefined {
    const parsed = parse(this.#buffer.subarray(0, this.#bytes), this.closing === 'end');
    if (!parsed) return undefined;
    this.#buffer = this.#buffer.subarray(parsed.length);
    this.#bytes -= parsed.length;
    return parsed;
  }

  /** Resolves when the server has ended the connection; says how. */
  async closed(): Promise<Closing> {
    while (this.closing === 'open' && !this.socket.destroyed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.closing;
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** The first whole answer, and how many bytes it took. */
function parse(buffer: Buffer, ended: boolean): { answer: RawAnswer; length: number } | undefined {
  const headEnd = buffer.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [statusLine = '', ...lines] = buffer.subarray(0, headEnd).toString('latin1').split('\r\n');
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const status = Number(statusLine.split(' ')[1]);
  const bodyStart = headEnd + 4;
  const answer = (body: Buffer, length: number) => ({ answer: { status, headers, body }, length });
  if (status === 100) return answer(Buffer.alloc(0), bodyStart);
  const length = headers.get('content-length');
  if (length !== undefined) {
    const end = bodyStart + Number(length);
    return buffer.length >= end ? answer(buffer.subarray(bodyStart, end), end) : undefined;
  }
  if (headers.get('transfer-encoding') === 'chunked')
    return parseChunked(buffer, bodyStart, answer);
  return ended ? answer(buffer.subarray(bodyStart), buffer.length) : undefined;
}

function parseChunked<T>(
  buffer: Buffer,
  start: number,
  answer: (body: Buffer, length: number) => T,
): T | undefined {
  const parts: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = buffer.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(buffer.subarray(at, lineEnd).toString('latin1'), 16);
    const end = lineEnd + 2 + size + 2;
    if (buffer.length < end) return undefined;
    if (size === 0) return answer(Buffer.concat(parts), end);
    parts.push(buffer.subarray(lineEnd + 2, end - 2));
    at = end;
  }
}
