// HTTP/2 frames as they are on the wire, for what a client library does not show.
import net from 'node:net';
import tls from 'node:tls';
import type { Context } from './context.ts';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const;

const refusedStream = 7;

/** Headers, or REFUSED_STREAM, which promises that nothing was done (RFC 9113 8.7). */
export const isAnswer = (frame: Frame): boolean =>
  frame.type === types.headers ||
  (frame.type === types.reset && frame.payload.readUInt32BE(0) === refusedStream);

export function encode(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A GET without any compression state: HPACK literals that are never indexed (RFC 7541 6.2.3). */
export function getHeaders(path: string): Buffer {
  const field = (name: number, value: string): Buffer =>
    Buffer.concat([Buffer.from([0x10 | name, value.length]), Buffer.from(value)]);
  // Static table: 0x82 is :method GET, 0x86 is :scheme http, 4 is :path, 1 is :authority.
  return Buffer.concat([Buffer.from([0x82, 0x86]), field(4, path), field(1, 'drill')]);
}

export class FrameClient {
  readonly frames: Frame[] = [];
  readonly socket: net.Socket;
  readonly closed: Promise<void>;
  onFrame: ((frame: Frame) => void) | undefined;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#read();
    });
    socket.on('error', () => undefined); // 'close' follows
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
  }

  static async connect(ctx: Context, over?: { secure: true }): Promise<FrameClient> {
    const { port, secure } = over === undefined ? ctx.h2 : { port: ctx.port('h2s'), ...over };
    const at = { host: ctx.config.host, port };
    const socket = secure
      ? tls.connect({ ...at, ALPNProtocols: ['h2'], rejectUnauthorized: false })
      : net.connect(at);
    socket.setNoDelay(true);
    ctx.cleanup(() => {
      socket.destroy();
    });
    const client = new FrameClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once(secure ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    client.open();
    return client;
  }

  /** The connection preface (RFC 9113 3.4). */
  open(): void {
    this.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    this.send(types.settings, 0, 0);
  }

  send(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): void {
    if (this.socket.writable) this.socket.write(encode(type, flags, stream, payload));
  }

  get goaways(): { lastStreamId: number; code: number }[] {
    return this.frames
      .filter((frame) => frame.type === types.goaway)
      .map(({ payload }) => ({
        lastStreamId: payload.readUInt32BE(0) & 0x7fff_ffff,
        code: payload.readUInt32BE(4),
      }));
  }

  #read(): void {
    while (this.#buffer.length >= 9) {
      const length = this.#buffer.readUIntBE(0, 3);
      if (this.#buffer.length < 9 + length) return;
      const frame: Frame = {
        type: this.#buffer[3] ?? 0,
        flags: this.#buffer[4] ?? 0,
        stream: this.#buffer.readUInt32BE(5) & 0x7fff_ffff,
        payload: Buffer.from(this.#buffer.subarray(9, 9 + length)),
      };
      this.#buffer = this.#buffer.subarray(9 + length);
      this.frames.push(frame);
      const isAck = (frame.flags & 1) === 1;
      if (frame.type === types.settings && !isAck) this.send(types.settings, 1, 0);
      if (frame.type === types.ping && !isAck) this.send(types.ping, 1, 0, frame.payload);
      this.onFrame?.(frame);
    }
  }
}
