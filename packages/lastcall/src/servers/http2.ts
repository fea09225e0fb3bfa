import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type {
  Http2SecureServer,
  Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  IncomingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2';
import { Server as NetServer } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { Endpoints } from '../endpoints/endpoints.ts';
import { localNode } from '../endpoints/node.ts';
import type { Lease } from '../ledger/lease.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { inheritListen } from '../supervised/listen.ts';
import { superviseWorker } from '../supervised/link.ts';
import { nodeOf } from '../supervised/node.ts';
import { attachHttp, type HttpOptions, holdLease, leaseOf as leaseOfHttp1 } from './http.ts';
import { Http2Drain } from './support/http2-drain.ts';
import { answerStream, outcomeOf, refuseStream, silenceStream } from './support/http2-replies.ts';
import { beginStream, endStream, watchSessions } from './support/http2-watch.ts';
import { LastAccept } from './support/last-accept.ts';
import { runWithLease } from './support/current-lease.ts';
import { listensAlready, markAttached, notAServer } from './support/attached.ts';

const LEASE = Symbol('lastcall.lease');
const REQUEST = Object.freeze({ kind: 'request' });

type Emit = (event: string, ...args: unknown[]) => boolean;
type StreamArguments = [Held, IncomingHttpHeaders, number, string[]];
type Exchange = [Http2ServerRequest, Http2ServerResponse];

/** The lease of a request of either version; undefined for probes, operator calls and refused work. */
export function leaseOf(request: Http2ServerRequest | IncomingMessage): Lease | undefined {
  return leaseOfHttp1(request as IncomingMessage);
}

/** The lease of a stream, for servers that use the stream API instead of requests. */
export function leaseOfStream(stream: ServerHttp2Stream): Lease | undefined {
  return (stream as Held)[LEASE];
}

/** Fields of the stream, because a WeakMap of short-lived keys makes the garbage collector slow. */
interface Held extends ServerHttp2Stream {
  [LEASE]?: Lease;
}

/**
 * Puts a lifecycle into a node:http2 server, secure or cleartext. HTTP/1.1 connections of a secure
 * server (`allowHTTP1`) are treated as by `attachHttp`. Returns the server. Call it before `listen`.
 * Throws `ERR_LASTCALL_SERVER`, `ERR_LASTCALL_ATTACHED` or `ERR_LASTCALL_LISTENING`.
 */
export function attachHttp2<S extends Http2Server | Http2SecureServer>(
  lifecycle: Lifecycle,
  server: S,
  options: HttpOptions = {},
): S {
  expectAttachable(server);
  markAttached('attachHttp2', server);
  const { admin = false } = options;
  const secure = server instanceof TlsServer;
  const { lingerMaxMs } = lifecycle.options;
  const listener = new LastAccept(server);
  const drain = new Http2Drain({ admin, lingerMaxMs, listener, finishWork });
  lifecycle.attach(drain);
  watchSessions(server, drain, listener);
  const emitPlain = server.emit.bind(server) as Emit;
  // It sees the TLS handshakes and closes the listener too.
  if (secure) attachHttp(lifecycle, server as unknown as HttpServer, options);
  else superviseWorker(lifecycle);
  const endpoints = new Endpoints(lifecycle, admin, nodeOf(lifecycle) ?? localNode(lifecycle));
  const emitHttp1 = server.emit.bind(server) as Emit;
  server.emit = ((event: string, ...args: unknown[]): boolean => {
    switch (event) {
      case 'stream':
        return onStream(...(args as StreamArguments));
      case 'request':
      case 'checkContinue':
      case 'connect':
        return isHttp2(args) ? onRequest(event, ...args) : emitHttp1(event, ...args);
      default:
        return emitHttp1(event, ...args);
    }
  }) as S['emit'];
  /** The stream that has just become a request. */
  let requested: Held | undefined;

  function onStream(...[stream, headers, flags, raw]: StreamArguments): boolean {
    beginStream(drain, stream);
    const route = endpoints.match(headers[':path']);
    if (route) return later(stream, () => void answerStream(endpoints, route, stream, headers));
    // Calls of the admin listener are no work.
    const admission = admin ? undefined : lifecycle.admit(REQUEST);
    if (admission?.admitted === false)
      return later(stream, () => refuseStream(stream, admission.retryAfterMs));
    if (admission) {
      stream[LEASE] = admission;
      admission.owner = stream;
    }
    // Where there are requests node:http2 listens itself, and a second listener makes each dearer.
    if (server.listenerCount('request') === 0) stream.on('error', ignore);
    try {
      return options.currentLease
        ? runWithLease(admission, () => emitPlain('stream', stream, headers, flags, raw))
        : emitPlain('stream', stream, headers, flags, raw);
    } finally {
      // Also where a listener threw: the service still stops in order.
      if (requested !== stream) stream.on('close', onStreamClose);
      requested = undefined;
    }
  }

  /** Answers in the application's place. */
  function later(stream: Held, run: () => void): true {
    stream.on('error', ignore).on('close', onStreamClose);
    drain.later(stream.session, run);
    return true;
  }

  function onRequest(
    event: string,
    request: Http2ServerRequest,
    response: Http2ServerResponse,
  ): boolean {
    const stream: Held = request.stream;
    const lease = stream[LEASE];
    holdLease(request, lease);
    if (lease) lease.owner = response;
    // The close of the answer is that of its stream, of which node:http2 announces each listener.
    if (requested !== stream) response.on('close', onResponseClose);
    requested = stream;
    return emitPlain(event, request, response);
  }

  /** The last word to clients whose handlers did not unwind. */
  function finishWork(): void {
    for (const { owner } of lifecycle.ledger.leases) {
      const response = isHttp2Response(owner) ? owner : undefined;
      const stream = response?.stream ?? owner;
      if (isStream(stream) && drain.has(stream.session))
        silenceStream(stream, response, lifecycle.options.retryAfterMs);
    }
  }

  if (!secure) inheritListen(lifecycle, server);
  return server;
}

const isHttp2 = (args: unknown[]): args is Exchange =>
  (args[0] as Http2ServerRequest).httpVersionMajor === 2;

/** A reset is the outcome of one stream, not a fault of the process. */
function ignore(): void {}

function onResponseClose(this: Http2ServerResponse): void {
  Reflect.apply(onStreamClose, this.stream, []);
}

function onStreamClose(this: Held): void {
  endStream(this);
  this[LEASE]?.end(outcomeOf(this));
}

const isHttp2Response = (owner: unknown): owner is Http2ServerResponse =>
  typeof owner === 'object' && owner !== null && 'writeContinue' in owner && 'stream' in owner;

const isStream = (owner: unknown): owner is Held =>
  typeof owner === 'object' && owner !== null && 'pushStream' in owner;

function expectAttachable(server: Http2Server | Http2SecureServer): void {
  if (!(server instanceof NetServer) || !('updateSettings' in server))
    throw notAServer('attachHttp2', 'a node:http2 server', typeof server);
  if (server.listening) throw listensAlready('attachHttp2', 'Attach it before listen().');
}
