import type { WebSocket, WebSocketServer } from 'ws';
import type { Lease } from '../ledger/lease.ts';
import type { Refusal, Work } from '../ledger/ledger.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { PeerCounts } from '../telemetry/counters.ts';
import { attachHttp, isAttached, leaseOf } from './http.ts';
import {
  type Farewell,
  PeerDrain,
  type PeerLimits,
  type PeerProtocol,
} from './support/peer-drain.ts';
import { passSessions, takesSessions } from './support/sessions-over-http.ts';
import {
  listensAlready,
  markAttached,
  notAServer,
  resolveLimits,
  wrongOption,
} from './support/peer-options.ts';

export type { PeerCounts } from '../telemetry/counters.ts';
export type { Farewell } from './support/peer-drain.ts';

const OPEN = 1;
/** `WebSocketServer` keeps its state in `_state`: 0 running, 1 closing, 2 closed. */
const RUNNING = 0;
const ABNORMAL = 1006;
/** A close reason holds 123 bytes (RFC 6455 section 5.5); the hints need up to 50. */
const REASON_BYTES = 70;
/** How long a client may take to answer a ping; it need not answer at all. */
const PONG_MS = 1_000;
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
  readonly counts: Readonly<PeerCounts>;
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
  const pongMs = Math.min(PONG_MS, lifecycle.options.lingerMaxMs);
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

  wss.prependListener('connection', (socket, request) => {
    // With `noServer` the handshake was the HTTP server's work, and is done.
    leaseOf(request)?.end();
    socket.on('error', () => {
      drain.counts.faulty += 1;
    });
    socket.once('close', (code: number) => drain.gone(socket, code !== ABNORMAL));
    drain.add(socket);
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
      if (socket.readyState !== OPEN) return;
      // Pings keep their place behind the messages: when it has left, they have.
      const flushed =
        socket.bufferedAmount > 0 &&
        new Promise<void>((resolve) => socket.ping(undefined, undefined, () => resolve()));
      const cancelled = owed > 0 ? `; cancelled=${owed}` : '';
      socket.close(code, `${reason}${cancelled}; reconnect-after-ms=${reconnectAfterMs}`);
      await flushed;
    },
    terminate: (socket) => socket.terminate(),
  };
}

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
