import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

/** An HTTP/2 client that does only what it is told: it goes on after GOAWAY, and answers no ping. */
export class RawHttp2 {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  closed = false;
  #buffer = Buffer.alloc(0);
  #watchers = new Set<() => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      for (const watcher of this.#watchers) watcher();
    });
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    this.write(SETTINGS, 0, 0, Buffer.alloc(0));
  }

  /** Connects; rejects when the connection is refused. */
  static open(port: number, tls = false): Promise<RawHttp2> {
    return new Promise((resolve, reject) => {
      const opened = (): void => resolve(new RawHttp2(socket));
      const socket: Socket = tls
        ? connectTls({ port, rejectUnauthorized: false, ALPNProtocols: ['h2'] }, opened)
        : connect(port, '127.0.0.1', opened);
      socket.once('error', reject);
    });
  }

  /** The frame that opens a stream with a GET. */
  static request(stream: number, path: string): Buffer {
    const text = Buffer.from(path);
    // Indexed fields of the static table: GET, http; then :path as a literal (RFC 7541 section 6).
    const fields = [
      Buffer.from([0x82, 0x86, 0x04, text.length]),
      text,
      Buffer.from([0x41, 1, 0x61]),
    ];
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, Buffer.concat(fields));
  }

  write(type: number, flags: number, stream: number, payload: Buffer): void {
    this.socket.write(frame(type, flags, stream, payload));
  }

  /** Opens a stream with a GET. */
  get(stream: number, path: string): void {
    this.socket.write(RawHttp2.request(stream, path));
  }

  /** Answers the pings that have come. */
  pong(): void {
    for (const { type, flags, payload } of this.frames)
      if (type === PING && flags !== ACK) this.write(PING, ACK, 0, payload);
  }

  goaways(): number[] {
    return this.frames
      .filter(({ type }) => type === GOAWAY)
      .map(({ payload }) => payload.readUInt32BE(0));
  }

  /** Resolves when `seen` holds; rejects when the connection has ended before. */
  async until(seen: () => boolean): Promise<void> {
    while (!seen()) {
      if (this.closed) throw new Error('the connection ended');
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  /** Whether a frame of that type has come on a stream. */
  has(type: number, stream: number): boolean {
    return this.frames.some((frame) => frame.type === type && frame.stream === stream);
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    while (this.#buffer.length >= 9) {
      const length = this.#buffer.readUIntBE(0, 3);
      if (this.#buffer.length < 9 + length) break;
      const frame = {
        type: this.#buffer[3] ?? 0,
        flags: this.#buffer[4] ?? 0,
        stream: this.#buffer.readUInt32BE(5),
        payload: this.#buffer.subarray(9, 9 + length),
      };
      this.#buffer = this.#buffer.subarray(9 + length);
      this.frames.push(frame);
      if (frame.type === SETTINGS && frame.flags !== ACK)
        this.write(SETTINGS, ACK, 0, Buffer.alloc(0));
    }
    for (const watcher of this.#watchers) watcher();
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
