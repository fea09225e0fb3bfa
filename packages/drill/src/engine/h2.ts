// HTTP/2 (in cleartext with prior knowledge), each stream entered into the account of promises.
import http2 from 'node:http2';
import { Exchange } from './account.ts';
import { ConnectError, authority, connectMs } from './connection.ts';
import type { Context } from './context.ts';
import type { Lane } from './timeline.ts';

export interface StreamRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** False: the body is not ended; the case ends it itself. */
  readonly end?: boolean;
}

export interface H2Exchange {
  readonly exchange: Exchange;
  readonly stream: http2.ClientHttp2Stream;
}

export class H2Client {
  readonly session: http2.ClientHttp2Session;
  readonly goaways: { code: number; lastStreamId: number }[] = [];
  readonly closed: Promise<void>;
  readonly #ctx: Context;
  readonly #lane: Lane;

  constructor(session: http2.ClientHttp2Session, ctx: Context) {
    this.session = session;
    this.#ctx = ctx;
    this.#lane = ctx.timeline.lane(`h2 session ${ctx.timeline.lanes.length + 1}`);
    session.on('goaway', (code: number, lastStreamId: number) => {
      this.goaways.push({ code, lastStreamId });
    });
    session.on('error', () => undefined); // each stream says itself what became of it
    this.closed = new Promise((resolve) => {
      session.once('close', () => {
        this.#lane.closeMs = ctx.timeline.at();
        this.#lane.close = 'fin';
        resolve();
      });
    });
  }

  static connect(ctx: Context, at = ctx.h2): Promise<H2Client> {
    const to = authority(ctx.config.host, at.port);
    const session = at.secure
      ? http2.connect(`https://${to}`, { rejectUnauthorized: false })
      : http2.connect(`http://${to}`);
    ctx.cleanup(() => {
      session.destroy();
    });
    const opening = new Promise<H2Client>((resolve, reject) => {
      let failure: NodeJS.ErrnoException = new Error('the server closed it before its SETTINGS');
      const limit = setTimeout(() => {
        failure = new Error(`no SETTINGS within ${connectMs} ms`);
        session.destroy();
      }, connectMs);
      const failed = (error: NodeJS.ErrnoException): void => {
        failure = error;
      };
      const closed = (): void => {
        clearTimeout(limit);
        reject(new ConnectError(failure.code ?? failure.message, failure));
      };
      session.once('error', failed).once('close', closed);
      session.once('remoteSettings', () => {
        clearTimeout(limit);
        session.off('error', failed).off('close', closed);
        resolve(new H2Client(session, ctx));
      });
    });
    return ctx.opened(opening);
  }

  /** False once the server said that it takes no new streams, or the session is over. */
  get open(): boolean {
    return this.goaways.length === 0 && !this.session.closed && !this.session.destroyed;
  }

  send(request: StreamRequest): H2Exchange {
    const method = request.method ?? 'GET';
    const exchange = new Exchange(method, request.path, this.#lane, this.#ctx.timeline);
    this.#ctx.account.add(exchange);
    const stream = this.session.request(
      { ':method': method, ':path': request.path, ...request.headers },
      { endStream: request.body === undefined && request.end !== false },
    );
    if (request.body !== undefined) {
      if (request.end === false) stream.write(request.body);
      else stream.end(request.body);
    }
    this.#follow(stream, exchange);
    return { exchange, stream };
  }

  #follow(stream: http2.ClientHttp2Stream, exchange: Exchange): void {
    let ended = false;
    stream.on('response', (headers) => {
      exchange.status = headers[':status'] ?? 0;
      for (const [name, value] of Object.entries(headers)) {
        exchange.headers.set(name, String(value));
      }
      exchange.headArrived();
    });
    stream.on('trailers', (trailers) => {
      for (const [name, value] of Object.entries(trailers)) {
        exchange.trailers.set(name, String(value));
      }
    });
    stream.on('data', (chunk: Buffer) => {
      exchange.body(chunk);
    });
    stream.on('end', () => {
      ended = true;
    });
    stream.on('error', () => undefined); // the code is read when it closes
    stream.on('close', () => {
      this.#settle(stream, exchange, ended);
    });
  }

  #settle(stream: http2.ClientHttp2Stream, exchange: Exchange, ended: boolean): void {
    const code = stream.rstCode;
    const last = this.goaways.at(-1)?.lastStreamId ?? Infinity;
    if (ended && exchange.status > 0 && code === http2.constants.NGHTTP2_NO_ERROR) {
      const unavailable = grpcStatus(exchange) === 14;
      const refused = exchange.status === 503 || unavailable;
      exchange.settle(refused ? 'refused' : 'answered', `a whole ${exchange.status}`);
    } else if (code === http2.constants.NGHTTP2_REFUSED_STREAM) {
      // RFC 9113 8.7: REFUSED_STREAM promises that nothing was processed, so a retry is safe.
      exchange.settle('void', 'REFUSED_STREAM');
    } else if ((stream.id ?? Infinity) > last) {
      exchange.settle('void', `above the last stream of the GOAWAY (${last})`);
    } else {
      exchange.settle('lost', `stream ${stream.id ?? '?'} was cut with code ${code}`);
    }
  }
}

/** The grpc-status of an answer, wherever it stands; undefined when it has none. */
export function grpcStatus(exchange: Exchange): number | undefined {
  const text = exchange.trailers.get('grpc-status') ?? exchange.headers.get('grpc-status');
  return text === undefined ? undefined : Number(text);
}
