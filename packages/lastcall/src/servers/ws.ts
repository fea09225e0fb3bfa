import type { IncomingMessage } from 'node:http';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Lease } from '../ledger/lease.ts';
import type { Refusal, Work } from '../ledger/ledger.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { declared, type MovableOptions, offerCarrier } from '../moving/movable.ts';
import { type OnMovedOptions, register } from '../moving/registry.ts';
import { resumeWebSocket, wsRefusal } from '../moving/ws-arrival.ts';
import { WsCarrier } from '../moving/ws-carrier.ts';
import type { PeerCounts } from '../telemetry/counters.ts';
import { attachHttp, isAttached, leaseOf } from './http.ts';
import {
  type Farewell,
  PeerDrain,
  type PeerLimits,
  type PeerProtocol,
} from './support/peer-drain.ts';
import { passSessions, takesSessions } from './support/sessions-over-http.ts';
import { listensAlready, markAttached, notAServer } from './support/attached.ts';
import { resolveLimits, wrongOption } from './support/peer-options.ts';

export type { PeerCounts } from '../telemetry/counters.ts';
export type { Farewell } from './support/peer-drain.ts';
export type { MovableOptions } from '../moving/movable.ts';
export type { OnMovedOptions } from '../moving/registry.ts';

const OPEN = 1;
const CLOSED = 3;
/** `WebSocketServer` keeps its state in `_state`: 0 running, 1 closing, 2 closed. */
const RUNNING = 0;
const ABNORMAL = 1006;
/** A close reason holds 123 bytes (RFC 6455 section 5.5); the hints need up to 50. */
const REASON_BYTES = 70;
const PING = 'lastcall';
const PROMISED: Work = { kind: 'task' };

export interface WsOptions extends Partial<PeerLimits> {
  /** Tells a client that the service stops, in the application's own words; it is closed after it. */
  tell?: (socket: WebSocket, farewell: Farewell) => unknown;
  /** Close code: 1012 service restart (default), or 1001 going away (RFC 6455 section 7.4). */
  code?: 1012 | 1001;
  /** First words of the close reason, at most 70 bytes. Default `Service restart`. */
  reason?: string;
  /** How long a client may take to complete the close handshake, in ms. Default 2,000. */
  closeTimeoutMs?: number;
  /** Closes of clients that are owed nothing are spread over this time, in ms. Default 0: at once. */
  closeWindowMs?: number;
  /** The reconnect hints are spread over this time, in ms. Default 5,000. */
  reconnectWindowMs?: number;
}

/** The WebSockets of a server, and what they are owed. */
export interface WsPeers {
  /**
   * Admits a piece of work whose result is promised to `socket`, or refuses it. While the lease is
   * open the socket is not closed; when the socket goes, the lease is cancelled. End it when the
   * result has been sent. Default kind: `task`.
   */
  promise(socket: WebSocket, work?: Work): Lease | Refusal;
  /**
   * Sends the result and ends its lease when it has been written to the connection. Resolves to
   * false when the socket had gone.
   */
  deliver(socket: WebSocket, lease: Lease, data: string | Uint8Array): Promise<boolean>;
  /**
   * Declares that an open WebSocket may be given to another worker of the node while its client
   * stays connected. Returns false, and does nothing, where no supervisor has started the process.
   * Throws `ERR_LASTCALL_OPTION`.
   */
  movable(socket: WebSocket, options: MovableOptions): boolean;
  /** Says, at start-up, how this process goes on with WebSockets of `kind` of another worker. */
  onMoved<State = unknown>(
    kind: string,
    handler: (moved: MovedSocket<State>) => unknown,
    options?: OnMovedOptions,
  ): void;
  readonly counts: Readonly<PeerCounts>;
}

/** A WebSocket that another worker has given to this one. */
export interface MovedSocket<State> {
  socket: WebSocket;
  /** The request that opened it, as the client sent it. */
  request: IncomingMessage;
  /** What `freeze` returned, or what `thaw` made of it. */
  state: State;
}

/**
 * Puts a lifecycle into a WebSocketServer (ws 8) of a node:http server or with `noServer`. An open
 * WebSocket is no work: on drain each is told, kept until what was promised to it is delivered, and
 * closed. Its HTTP server is attached too unless it was. Call it before `listen`.
 * Throws `ERR_LASTCALL_SERVER`, `ERR_LASTCALL_ATTACHED`, `ERR_LASTCALL_LISTENING` or
 * `ERR_LASTCALL_OPTION`.
 */
export function attachWs(
  lifecycle: Lifecycle,
  wss: WebSocketServer,
  options: WsOptions = {},
): WsPeers {
  expectAttachable(wss);
  const limits = resolveLimits(options);
  // It need not answer at all, but one on a loaded machine may take long.
  const pongMs = lifecycle.options.lingerMaxMs;
  const drain = new PeerDrain(lifecycle, protocolOf(options, pongMs), limits);
  const { server } = wss.options;
  markAttached('attachWs', wss);
  if (server) {
    if (!isAttached(server)) attachHttp(lifecycle, server);
    passSessions(
      server,
      (request) =>
        request.headers.upgrade !== undefined &&
        takesSessions(lifecycle) &&
        wss.shouldHandle(request) === true,
    );
  }
  lifecycle.attach(drain);

  const requests = new WeakMap<WebSocket, IncomingMessage>();
  const hold = (socket: WebSocket, request: IncomingMessage): void => {
    // It went while the application was still asking who it is.
    if (socket.readyState === CLOSED) return;
    requests.set(socket, request);
    socket.on('error', () => {
      drain.counts.faulty += 1;
    });
    socket.once('close', (code: number) => drain.gone(socket, code !== ABNORMAL));
    drain.add(socket);
  };
  wss.prependListener('connection', (socket, request) => {
    // With `noServer` the handshake was the HTTP server's work, and is done.
    leaseOf(request)?.end();
    hold(socket, request);
  });
  lifecycle.onClose(
    'ws',
    // It can only fail by being closed already.
    () => new Promise<void>((resolve) => wss.close(() => resolve())),
  );
  return {
    counts: drain.counts,
    promise: (socket, work = PROMISED) => drain.promise(socket, work),
    deliver: (socket, lease, data) =>
      new Promise((resolve) => {
        if (socket.readyState !== OPEN) return resolve(!lease.end('cancelled') && false);
        socket.send(data, (error) => {
          lease.end(error ? 'cancelled' : 'completed');
          resolve(!error);
        });
      }),
    movable(socket, given) {
      const what = declared(given);
      const request = requests.get(socket);
      if (!request || socket.readyState !== OPEN) return false;
      const about = { request, wss, isOwed: () => drain.owes(socket) };
      const ended = offerCarrier(new WsCarrier(socket, about, what));
      if (ended) socket.once('close', ended);
      return ended !== undefined;
    },
    onMoved: (kind, handler, given = {}) =>
      register('ws', kind, given, {
        refusal: (envelope) => wsRefusal(wss, envelope),
        resume({ envelope, state }, request, what) {
          if (!('socket' in what)) return undefined;
          const socket = resumeWebSocket(wss, request, what.socket, envelope);
          if (!socket) return undefined;
          hold(socket, request);
          return handler({ socket, request, state: state as never });
        },
      }),
  };
}

function protocolOf(options: WsOptions, pongMs: number): PeerProtocol<WebSocket> {
  const { code = 1012, reason = 'Service restart', tell } = options;
  if (code !== 1012 && code !== 1001) throw wrongOption('code', '1012 or 1001', code);
  if (typeof reason !== 'string' || Buffer.byteLength(reason) > REASON_BYTES)
    throw wrongOption('reason', `a text of at most ${REASON_BYTES} bytes`, reason);
  if (tell !== undefined && typeof tell !== 'function')
    throw wrongOption('tell', 'a function', tell);
  return {
    name: 'ws',
    async tell(socket, farewell) {
      await tell?.(socket, farewell);
      await roundTrip(socket, pongMs);
    },
    async close(socket, { owed, reconnectAfterMs }) {
      if (socket.readyState === OPEN && socket.bufferedAmount > 0) await written(socket);
      if (socket.readyState !== OPEN) return;
      const cancelled = owed > 0 ? `; cancelled=${owed}` : '';
      socket.close(code, `${reason}${cancelled}; reconnect-after-ms=${reconnectAfterMs}`);
    },
    terminate: (socket) => socket.terminate(),
  };
}

/**
 * Resolves when all that was sent has been written: from its close frame on ws gives a client 30 s,
 * whatever it has still to read. A ping keeps its place behind the messages.
 */
const written = (socket: WebSocket): Promise<void> =>
  new Promise((resolve) => socket.ping(undefined, undefined, () => resolve()));

/** Resolves when messages that were on the wire have been read: nothing can be answered after a close frame. */
function roundTrip(socket: WebSocket, maxMs: number): Promise<void> {
  if (socket.readyState !== OPEN) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      socket.off('pong', onPong);
      socket.off('close', done);
      resolve();
    };
    const onPong = (data: Buffer): void => {
      if (data.toString() === PING) done();
    };
    const timer = setTimeout(done, maxMs);
    socket.on('pong', onPong);
    socket.on('close', done);
    socket.ping(PING, undefined, () => {});
  });
}

function expectAttachable(wss: WebSocketServer): void {
  if (typeof (wss as Partial<WebSocketServer> | undefined)?.handleUpgrade !== 'function')
    throw notAServer('attachWs', 'a WebSocketServer of ws 8', typeof wss);
  if (typeof wss.options.WebSocket?.prototype.resume !== 'function')
    throw notAServer('attachWs', 'ws 8.16 or a later 8', 'an older WebSocketServer');
  if (Reflect.get(wss, '_state') !== RUNNING)
    throw notAServer('attachWs', 'an open WebSocketServer', 'a closed one');
  if (typeof wss.options.port === 'number')
    throw listensAlready(
      'attachWs',
      'Make the node:http server yourself and give it to WebSocketServer as { server }.',
    );
}
