import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { connectionOf } from '../servers/support/connection.ts';
import { leaseOf } from '../servers/support/held-lease.ts';
import { addressKey } from '../supervised/listen.ts';
import type { Carrier, Declared, FrozenEnvelope } from './carrier.ts';
import { hasHalfAHead } from './heads.ts';
import { handleOf } from './native.ts';
import type { Handle, Stays } from './wire.ts';

/** An open answer over HTTP/1.1: an event stream, or anything that is sent piece by piece. */
export class HttpCarrier implements Carrier {
  readonly declared: Declared;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  #handle: Handle | undefined;
  #onGone: (() => void) | undefined;

  constructor(response: ServerResponse, declared: Declared) {
    this.declared = declared;
    this.#response = response;
    this.#socket = response.req.socket;
  }

  get lease(): ReturnType<typeof leaseOf> {
    return leaseOf(this.#response.req);
  }

  get ended(): boolean {
    const { destroyed, writableEnded } = this.#response;
    return destroyed || writableEnded || this.#socket.destroyed;
  }

  obstacle(): Stays | undefined {
    const socket = this.#socket;
    if (socket instanceof TLSSocket) return 'tls';
    const connection = connectionOf(socket);
    if (!connection || !handleOf(socket) || this.#server === undefined) return 'protocol';
    if (!this.#response.req.complete) return 'body';
    if (socket.readableEnded || socket.writableEnded) return 'closing';
    if (connection.pending !== 1 || connection.newest !== this.#response) return 'pipelined';
    return hasHalfAHead(socket) || socket.readableLength > 0 ? 'pipelined' : undefined;
  }

  get settled(): boolean {
    const response = this.#response;
    const socket = this.#socket;
    return (
      Reflect.get(response, '_headerSent') === true &&
      response.writableLength === 0 &&
      response.writableCorked === 0 &&
      socket.writableLength === 0 &&
      socket.writableCorked === 0 &&
      handleOf(socket)?.writeQueueSize === 0
    );
  }

  get unsettledBy(): Stays {
    return this.#response.headersSent ? 'full' : 'head';
  }

  /** An empty write takes its place behind all others. */
  flushed(): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('close', done);
        resolve();
      };
      socket.once('close', done);
      socket.write('', done);
    });
  }

  freeze(onGone: () => void): { envelope: FrozenEnvelope; handle: Handle } {
    const response = this.#response;
    const { req: request } = response;
    const handle = handleOf(this.#socket)!;
    handle.readStop();
    // Without its socket an answer keeps what is written to it, as one that is queued behind another does.
    response.detachSocket(this.#socket);
    this.#handle = handle;
    this.#onGone = () => {
      this.#close();
      onGone();
    };
    this.#socket.once('close', this.#onGone);
    const { method = 'GET', url = '/', httpVersion, rawHeaders } = request;
    const envelope: FrozenEnvelope = {
      carrier: 'http',
      server: this.#server!,
      request: { method, url, httpVersion, rawHeaders },
      answer: {
        status: response.statusCode,
        message: response.statusMessage,
        headers: sentHeaders(response),
      },
      extra: {},
    };
    return { envelope, handle };
  }

  get endedMeanwhile(): boolean {
    return this.#response.writableEnded || this.#response.destroyed;
  }

  back(): void {
    if (this.#socket.destroyed) return;
    this.#watchNoMore();
    if (this.#response.destroyed) {
      this.#socket.destroy();
      this.#close();
      return;
    }
    this.#response.assignSocket(this.#socket);
    this.#handle?.readStart();
  }

  left(): void {
    this.#watchNoMore();
    this.#close();
    // This closes the descriptor of this process; the connection lives on in the other one.
    this.#socket.destroy();
  }

  get #server(): string | undefined {
    const server = Reflect.get(this.#socket, 'server') as Server | undefined;
    return server && addressKey(server);
  }

  #watchNoMore(): void {
    if (this.#onGone) this.#socket.off('close', this.#onGone);
    this.#onGone = undefined;
  }

  /** What node:http does to an answer whose connection has gone. */
  #close(): void {
    Object.assign(this.#response, { destroyed: true, _closed: true });
    this.#response.emit('close');
  }
}

/** The head as it went out: what was given to writeHead alone is found nowhere else. */
function sentHeaders(response: ServerResponse): string[] {
  const head = Reflect.get(response, '_header') as string;
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => line !== '')
    .flatMap((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    });
}
