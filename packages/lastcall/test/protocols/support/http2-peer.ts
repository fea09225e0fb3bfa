import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Driver, Peer, Reply } from '../../suite/index.ts';
import { http2Vandals } from './http2-vandals.ts';

const PAUSE_MS = 500;

/** HTTP/2 with prior knowledge over cleartext. */
export const http2Clear: Driver = makeDriver(false);
/** HTTP/2 over TLS. */
export const http2Secure: Driver = { ...makeDriver(true), env: { TLS: '1' } };

function makeDriver(tls: boolean): Driver {
  return {
    open: (port) => Http2Peer.open(port, tls),
    async probe(server) {
      const peer = await Http2Peer.open(server.port, tls);
      const live = await peer.ask('/health');
      peer.destroy();
      const second = await Http2Peer.open(server.port, tls);
      const ready = await second.ask('/ready');
      second.destroy();
      return { live: live?.status === 200, ready: ready?.status === 200 };
    },
    vandals: http2Vandals(tls),
  };
}

const UNPROCESSED: Reply = { status: 503, text: '', bytes: 0, retryAfter: '1', last: true };

export class Http2Peer implements Peer {
  readonly session: ClientHttp2Session;
  /** The GOAWAY frames received: their codes and last stream ids. */
  readonly goaways: { code: number; last: number }[] = [];
  #closing: 'end' | 'reset' | 'open' = 'open';
  #next: Http2Peer | undefined;
  readonly #port: number;
  readonly #tls: boolean;

  private constructor(session: ClientHttp2Session, port: number, tls: boolean) {
    this.session = session;
    this.#port = port;
    this.#tls = tls;
    session.on('error', () => {
      this.#closing = 'reset';
    });
    session.on('goaway', (code, last) => this.goaways.push({ code, last }));
    session.on('close', () => {
      if (this.#closing === 'open') this.#closing = 'end';
    });
  }

  static async open(port: number, tls = false): Promise<Http2Peer> {
    const session = http2.connect(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, {
      rejectUnauthorized: false,
    });
    const peer = new Http2Peer(session, port, tls);
    await once(session, 'connect');
    return peer;
  }

  request(path: string, headers = {}): ClientHttp2Stream | undefined {
    try {
      return this.session.request({ ':path': path, ...headers });
    } catch {
      return undefined;
    }
  }

  /** After GOAWAY, and for a stream that was not processed, every client takes a new connection. */
  async ask(work: string): Promise<Reply | undefined> {
    if (!this.told) {
      const reply = await this.#reply(this.request(work));
      if (reply !== UNPROCESSED) return reply;
    }
    try {
      this.#next ??= await Http2Peer.open(this.#port, this.#tls);
    } catch {
      return UNPROCESSED;
    }
    return this.#next.ask(work);
  }

  askAll(works: readonly string[]): Promise<(Reply | undefined)[]> {
    return Promise.all(works.map((work) => this.ask(work)));
  }

  async upload(bytes: number, halfway: () => Promise<void>): Promise<Reply | undefined> {
    const stream = this.request('/upload', { ':method': 'POST' });
    if (!stream) return undefined;
    const half = bytes >> 1;
    stream.write(Buffer.alloc(half));
    const reply = this.#reply(stream);
    await halfway();
    stream.end(Buffer.alloc(bytes - half));
    return reply;
  }

  async askSlowly(work: string, paused: () => void): Promise<Reply | undefined> {
    const stream = this.request(work);
    stream?.once('data', () => {
      stream.pause();
      paused();
      void sleep(PAUSE_MS).then(() => stream.resume());
    });
    return this.#reply(stream);
  }

  get told(): boolean {
    return this.session.closed || this.session.destroyed;
  }

  async closed(): Promise<'end' | 'reset' | 'open'> {
    // Also of a session that is destroyed already: its close is told a little later.
    if (this.#closing === 'open') await once(this.session, 'close').catch(() => undefined);
    return this.#closing;
  }

  destroy(): void {
    this.session.destroy();
    this.#next?.destroy();
  }

  /** `UNPROCESSED`: the server said that it never began this stream (RFC 9113 section 8.7). */
  async #reply(stream: ClientHttp2Stream | undefined): Promise<Reply | undefined> {
    if (!stream) return UNPROCESSED;
    let [status, retryAfter] = [0, undefined as string | undefined];
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
      retryAfter = headers['retry-after'];
    });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    let whole = false;
    stream.on('end', () => {
      whole = true;
    });
    if (!stream.destroyed) await once(stream, 'close').catch(() => undefined);
    if (stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) return UNPROCESSED;
    if (!whole || status === 0 || stream.rstCode !== 0) return undefined;
    const body = Buffer.concat(chunks);
    return {
      status,
      text: body.length > 65_536 ? '' : body.toString(),
      bytes: body.length,
      retryAfter,
      last: this.told,
    };
  }
}
