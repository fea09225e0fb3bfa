// One TCP connection under the drill's own control: every byte is ours, and nothing is retried.
import net from 'node:net';
import { type Account, Exchange } from './account.ts';
import { afterPoll } from './clock.ts';
import { ResponseParser } from './parser.ts';
import type { Lane, Timeline } from './timeline.ts';

export interface RequestBytes {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly version?: '1.0' | '1.1';
}

export type CloseHow = 'fin' | 'reset' | 'local';

/** How an attempt to connect ended when it did not connect. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly code: string;
  constructor(code: string, cause: Error) {
    super(`cannot connect: ${code}`, { cause });
    this.code = code;
  }

  /** True when it was the drill's own machine that had no room for it. */
  get isOwn(): boolean {
    return ownCodes.has(this.code);
  }
}

const ownCodes: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS']);

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly label?: string;
  readonly localAddress?: string;
  /** How long the connection may take; a full accept queue leaves a client without any word. */
  readonly withinMs?: number;
  /** Told of the socket before it is connected. */
  readonly onSocket?: (socket: net.Socket) => void;
}

/** Longer than the kernel takes for its fourth try. */
export const connectMs = 20_000;

/** Host and port as an address of HTTP has them: an IPv6 address stands in brackets (RFC 3986 3.2.2). */
export const authority = (host: string, port: number): string =>
  `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;

export class Connection {
  readonly socket: net.Socket;
  /** Resolves with how the peer (or we) closed the connection. */
  readonly closed: Promise<CloseHow>;
  /** False for a peer that never closes its own side. */
  answersFin = true;
  readonly #account: Account;
  readonly #timeline: Timeline;
  readonly #lane: Lane;
  readonly #queue: Exchange[] = [];
  readonly #parser = new ResponseParser(this.#queue);
  readonly #host: string;
  #how: CloseHow | undefined;
  #resolveClosed: (how: CloseHow) => void = () => undefined;

  constructor(socket: net.Socket, account: Account, timeline: Timeline, label: string) {
    this.socket = socket;
    this.#account = account;
    this.#timeline = timeline;
    this.#lane = timeline.lane(label);
    this.#host = authority(socket.remoteAddress ?? 'localhost', socket.remotePort ?? 0);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    socket.on('data', (chunk) => {
      this.#parser.feed(chunk);
    });
    socket.on('end', () => {
      this.#parser.eof();
      this.#over('fin', 'the server closed the connection');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#over('reset', `the connection failed with ${error.code ?? error.message}`);
    });
    socket.on('close', () => {
      this.#over('local', 'the drill closed the connection');
    });
  }

  static open(options: ConnectOptions, account: Account, timeline: Timeline): Promise<Connection> {
    const { host, port, localAddress, withinMs = connectMs } = options;
    return new Promise((resolve, reject) => {
      const socket = net.connect({
        host,
        port,
        noDelay: true,
        // The drill decides itself when to send its FIN.
        allowHalfOpen: true,
        ...(localAddress === undefined ? {} : { localAddress }),
      });
      options.onSocket?.(socket);
      const limit = setTimeout(() => {
        socket.destroy(
          Object.assign(new Error(`not within ${withinMs} ms`), { code: 'ETIMEDOUT' }),
        );
      }, withinMs);
      let failure: NodeJS.ErrnoException = new Error('the drill gave it up');
      const failed = (error: NodeJS.ErrnoException): void => {
        failure = error;
      };
      const closed = (): void => {
        clearTimeout(limit);
        reject(new ConnectError(failure.code ?? 'ERROR', failure));
      };
      socket.once('error', failed).once('close', closed);
      socket.once('connect', () => {
        clearTimeout(limit);
        socket.off('error', failed).off('close', closed);
        const label = options.label ?? `connection ${timeline.lanes.length + 1}`;
        const connection = new Connection(socket, account, timeline, label);
        // Where the drill was held up since the handshake, a FIN that has long arrived is seen first.
        afterPoll(() => {
          resolve(connection);
        });
      });
    });
  }

  /** False once the server has said or shown that it takes no more here. */
  get open(): boolean {
    return this.#how === undefined && !this.#parser.closeAnnounced;
  }

  get wasReset(): boolean {
    return this.#how === 'reset';
  }

  get closeAnnounced(): boolean {
    return this.#parser.closeAnnounced;
  }

  /** Sends a whole request; it is owed an answer from now on. */
  send(request: RequestBytes): Exchange {
    const exchange = this.owe(request.method ?? 'GET', request.path);
    this.write(this.bytes(request));
    return exchange;
  }

  /** The bytes of a request, for cases that send them in parts. */
  bytes(request: RequestBytes): Buffer {
    const body = Buffer.from(request.body ?? '');
    const fields: Record<string, string> = { host: this.#host, ...request.headers };
    if (body.length > 0 && fields['transfer-encoding'] === undefined) {
      fields['content-length'] ??= String(body.length);
    }
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const start = `${request.method ?? 'GET'} ${request.path} HTTP/${request.version ?? '1.1'}\r\n`;
    return Buffer.concat([Buffer.from(`${start}${lines.join('')}\r\n`, 'latin1'), body]);
  }

  /** Enters a request that is written in parts into the account. */
  owe(method: string, path: string): Exchange {
    const exchange = new Exchange(method, path, this.#lane, this.#timeline);
    this.#account.add(exchange);
    if (this.#how === undefined && !this.#parser.closeAnnounced) this.#queue.push(exchange);
    else exchange.settle('void', 'the server had already ended this connection');
    return exchange;
  }

  write(bytes: string | Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Our FIN; we go on reading. */
  finish(): void {
    this.socket.end();
  }

  /** Our RST, as from a client that crashed. node:net never closes a connection that is reset while its FIN is on its way. */
  reset(): void {
    if (this.socket.writableEnded && !this.socket.writableFinished) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #over(how: CloseHow, reason: string): void {
    if (this.#how !== undefined) return;
    this.#how = how;
    this.#lane.closeMs = this.#timeline.at();
    this.#lane.close = how;
    const cut = this.#parser.midAnswer;
    this.#queue.splice(0).forEach((exchange, index) => {
      if (how === 'local') exchange.settle('void', reason);
      else if (index === 0 && cut) exchange.settle('lost', `${reason} in the middle of the answer`);
      else if (this.#parser.closeAnnounced) {
        exchange.settle('void', 'an earlier answer said Connection: close');
      } else exchange.settle('lost', `${reason} without an answer`);
    });
    // A FIN that is never answered would hold a well-behaved server that waits for it.
    if (how === 'fin' && this.answersFin && this.socket.writable) this.socket.end();
    this.#resolveClosed(how);
  }
}
