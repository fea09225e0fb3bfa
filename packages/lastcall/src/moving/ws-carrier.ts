import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { WebSocket, WebSocketServer } from 'ws';
import { addressKey } from '../supervised/listen.ts';
import type { Carrier, Declared, FrozenEnvelope } from './carrier.ts';
import { handleOf } from './native.ts';
import type { Handle, Stays } from './wire.ts';

const OPEN = 1;
/** States of the receiver and the sender of ws: between two frames; working on one already read. */
const IDLE = 0;
const INFLATING = 5;

/** What ws 8 keeps of a WebSocket and does not document. */
interface Inside {
  _socket: Socket | null;
  _extensions: Record<string, { params: Record<string, unknown> }>;
  _receiver: {
    _state: number;
    _bufferedBytes: number;
    _fragmented: number;
    writableLength: number;
  };
  _sender: { _state: number; _queue: unknown[] };
}

/** Which compression was agreed upon, and the options from which a successor agrees upon the same. */
export function compressionOf(wss: WebSocketServer): string {
  return JSON.stringify(wss.options.perMessageDeflate ?? false);
}

/** An open WebSocket of ws, at a moment when no frame is half-way in either direction. */
export class WsCarrier implements Carrier {
  readonly declared: Declared;
  readonly lease = undefined;
  readonly #ws: WebSocket & Inside;
  readonly #socket: Socket;
  readonly #request: IncomingMessage;
  readonly #wss: WebSocketServer;
  readonly #isOwed: () => boolean;
  #onGone: (() => void) | undefined;

  constructor(
    ws: WebSocket,
    about: { request: IncomingMessage; wss: WebSocketServer; isOwed: () => boolean },
    declared: Declared,
  ) {
    this.declared = declared;
    this.#ws = ws as unknown as WebSocket & Inside;
    this.#socket = this.#ws._socket!;
    this.#request = about.request;
    this.#wss = about.wss;
    this.#isOwed = about.isOwed;
  }

  get ended(): boolean {
    return this.#ws.readyState !== OPEN || this.#socket.destroyed;
  }

  obstacle(): Stays | undefined {
    const socket = this.#socket;
    if (socket instanceof TLSSocket) return 'tls';
    if (!handleOf(socket) || this.#server === undefined) return 'protocol';
    if (socket.readableEnded || socket.writableEnded) return 'closing';
    if (this.#isOwed()) return 'owed';
    const { params } = this.#ws._extensions['permessage-deflate'] ?? {};
    const free = params?.server_no_context_takeover && params.client_no_context_takeover;
    return params && !free ? 'compression' : undefined;
  }

  get settled(): boolean {
    const { _sender: sender, bufferedAmount } = this.#ws;
    return (
      this.#betweenMessages &&
      this.#socket.readableLength === 0 &&
      sender._state === IDLE &&
      sender._queue.length === 0 &&
      bufferedAmount === 0 &&
      this.#socket.writableCorked === 0 &&
      handleOf(this.#socket)?.writeQueueSize === 0
    );
  }

  get unsettledBy(): Stays {
    return this.#betweenMessages ? 'full' : 'message';
  }

  flushed(): Promise<void> {
    const socket = this.#socket;
    const { _receiver: receiver } = this.#ws;
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('close', done);
        socket.off('data', done);
        resolve();
      };
      socket.once('close', done);
      // What has been read whole is still worked on; else the rest of the message is to come.
      if (receiver._state >= INFLATING || receiver.writableLength > 0) setImmediate(done);
      else if (this.#betweenMessages) socket.write('', done);
      else socket.once('data', done);
    });
  }

  freeze(onGone: () => void): { envelope: FrozenEnvelope; handle: Handle } {
    const handle = handleOf(this.#socket)!;
    handle.readStop();
    this.#socket.cork();
    this.#onGone = onGone;
    this.#socket.once('close', onGone);
    const { method = 'GET', url = '/', httpVersion, rawHeaders } = this.#request;
    const envelope: FrozenEnvelope = {
      carrier: 'ws',
      server: this.#server!,
      request: { method, url, httpVersion, rawHeaders },
      answer: null,
      extra: {
        protocol: this.#ws.protocol,
        compression: this.#ws.extensions === '' ? null : compressionOf(this.#wss),
      },
    };
    return { envelope, handle };
  }

  get endedMeanwhile(): boolean {
    return this.ended;
  }

  back(): void {
    if (this.#socket.destroyed) return;
    this.#watchNoMore();
    this.#socket.uncork();
    handleOf(this.#socket)?.readStart();
  }

  left(): void {
    this.#watchNoMore();
    // This closes the descriptor of this process; the connection lives on in the other one.
    this.#socket.destroy();
  }

  get #betweenMessages(): boolean {
    const { _receiver: receiver } = this.#ws;
    return (
      receiver._state === IDLE &&
      receiver._bufferedBytes === 0 &&
      receiver._fragmented === 0 &&
      receiver.writableLength === 0
    );
  }

  get #server(): string | undefined {
    const server = Reflect.get(this.#socket, 'server') as Server | undefined;
    return server && addressKey(server);
  }

  #watchNoMore(): void {
    if (this.#onGone) this.#socket.off('close', this.#onGone);
    this.#onGone = undefined;
  }
}
