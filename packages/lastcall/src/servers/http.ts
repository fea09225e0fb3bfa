import { type IncomingMessage, Server, type ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { Endpoints } from '../endpoints/endpoints.ts';
import { localNode } from '../endpoints/node.ts';
import type { Lease } from '../ledger/lease.ts';
import type { Outcome } from '../ledger/outcome.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { headWasRead } from '../moving/heads.ts';
import { resumeAnswer, resumeUpgrade, takeArrival } from '../moving/http-arrival.ts';
import { type Arrival, takesPart } from '../moving/registry.ts';
import { inheritListen } from '../supervised/listen.ts';
import { superviseWorker } from '../supervised/link.ts';
import { nodeOf } from '../supervised/node.ts';
import {
  listensAlready,
  markAttached,
  notAServer,
  isAttached as wasAttached,
} from './support/attached.ts';
import { type Connection, connectionOf } from './support/connection.ts';
import { trackCurrentLease } from './support/current-lease.ts';
import { holdLease, leaseOf } from './support/held-lease.ts';
import { dispatcher, type Emit } from './support/dispatch.ts';
import { HttpDrain } from './support/http-drain.ts';
import { isLeftAlone, watchConnections } from './support/http-watch.ts';
import { answerCall, refuse, refuseUpgrade, silence } from './support/replies.ts';
import { belongsToSession, sessionsOver } from './support/sessions-over-http.ts';

const REQUEST = Object.freeze({ kind: 'request' });
const UPGRADE = Object.freeze({ kind: 'socket' });

export { holdLease, leaseOf } from './support/held-lease.ts';

export interface HttpOptions {
  /** The admin listener closes last, and may alone serve the metrics. Default false. */
  admin?: boolean;
  /** Makes the handlers' lease findable with `currentLease()`. Default false: it has a small cost. */
  currentLease?: boolean;
}

/**
 * Puts a lifecycle into a node:http or node:https server: admits its requests, serves the
 * contract's endpoints, and closes its connections with nothing dropped. Returns the server. Call it
 * before `listen`.
 * Throws `ERR_LASTCALL_SERVER`, `ERR_LASTCALL_ATTACHED` or `ERR_LASTCALL_LISTENING`.
 */
export function attachHttp<S extends Server>(
  lifecycle: Lifecycle,
  server: S,
  options: HttpOptions = {},
): S {
  expectAttachable(server);
  superviseWorker(lifecycle);
  const endpoints = new Endpoints(
    lifecycle,
    options.admin ?? false,
    nodeOf(lifecycle) ?? localNode(lifecycle),
  );
  const upgraded = new Map<Duplex, Lease>();
  const drain = new HttpDrain(server, {
    admin: options.admin ?? false,
    limits: lifecycle.options,
    finishWork,
  });
  lifecycle.attach(drain);
  const sessions = sessionsOver(server);
  watchConnections(server, drain, onResponseClose);
  if (options.currentLease) trackCurrentLease(server, leaseOf);

  const emit = Reflect.get(server, 'emit') as Emit;
  const dispatch = dispatcher(server, emit);
  // Named parameters and `arguments`: a rest array would be made for every request.
  server.emit = function (event: string, first: unknown, second: unknown, third: unknown): boolean {
    switch (event) {
      case 'request':
      case 'checkContinue':
        return onRequest(event, first as IncomingMessage, second as ServerResponse);
      case 'upgrade':
      case 'connect':
        return onUpgrade(event, first as IncomingMessage, second as Duplex, third as Buffer);
      case 'clientError':
        if (isLeftAlone(drain, second as Socket)) return true;
    }
    // oxlint-disable-next-line prefer-rest-params -- see above
    return Reflect.apply(emit, server, arguments as unknown as Parameters<typeof emit>);
  } as S['emit'];
  // Without a listener node:http would say 100 Continue before the request could be refused.
  if (server.listenerCount('checkContinue') === 0)
    server.on('checkContinue', (request, response) => {
      response.writeContinue();
      server.emit('request', request, response);
    });

  function onRequest(event: string, request: IncomingMessage, response: ServerResponse): boolean {
    const connection = connectionOf(request.socket);
    // A request that was admitted as checkContinue comes a second time as request.
    if (!connection || leaseOf(request)) return emit.call(server, event, request, response);
    if (takesPart()) {
      headWasRead(request.socket);
      const arrival = takeArrival(request.socket);
      if (arrival) {
        onArrival(arrival, connection, request, response);
        return true;
      }
    }
    if (drain.stopping) {
      onLateRequest(event, connection, request, response);
      return true;
    }
    const route = endpoints.match(request.url);
    const nowMs = performance.now();
    drain.begin(connection, response, nowMs);
    response.on('close', onResponseClose);
    if (route) {
      void answerCall(endpoints, route, request, response);
      return true;
    }
    if (isWork(request)) {
      const admission = admit(connection, request, response, nowMs);
      if (!admission.admitted) {
        refuse(response, admission);
        return true;
      }
    }
    return dispatch(event, request, response);
  }

  /** Another worker has given this connection to this one, with its answer half-way. */
  function onArrival(
    arrival: Arrival,
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const nowMs = performance.now();
    drain.begin(connection, response, nowMs);
    response.on('close', onResponseClose);
    const { kind = REQUEST.kind, label, ageMs = 0 } = arrival.envelope.lease ?? {};
    // Admitted before, in another process: it is not refused now, whatever this one is doing.
    const work = label ? { kind, label } : { kind };
    const lease = lifecycle.ledger.open(work, nowMs - ageMs);
    holdLease(request, lease);
    lease.owner = response;
    resumeAnswer(arrival, request, response, lease);
  }

  /** While stopping, the handler runs one turn later, when all that was pipelined has been read. */
  function onLateRequest(
    event: string,
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const saidClose = connection.newest?.headersSent && !connection.newest.shouldKeepAlive;
    // After the answer that closes, nothing more is processed (RFC 9112 section 9.6).
    if (saidClose || request.socket.writableEnded) {
      request.resume();
      return;
    }
    const nowMs = performance.now();
    drain.begin(connection, response, nowMs);
    response.on('close', onResponseClose);
    const route = endpoints.match(request.url);
    const admission =
      route || !isWork(request) ? undefined : admit(connection, request, response, nowMs);
    drain.later(() => {
      if (route) void answerCall(endpoints, route, request, response);
      else if (admission?.admitted === false) refuse(response, admission);
      else emit.call(server, event, request, response);
    });
  }

  /** Calls of the admin listener are no work, and a session is admitted once, not by the request. */
  function isWork(request: IncomingMessage): boolean {
    return !options.admin && !belongsToSession(sessions, request);
  }

  function admit(
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
    nowMs: number,
  ): ReturnType<Lifecycle['admit']> {
    const admission = lifecycle.admit(REQUEST, nowMs);
    if (connection.requests === 1) drain.arrived(connection, nowMs);
    if (admission.admitted) {
      holdLease(request, admission);
      admission.owner = response;
    }
    return admission;
  }

  function onResponseClose(this: ServerResponse): void {
    const request = this.req;
    const nowMs = performance.now();
    leaseOf(request)?.end(outcomeOf(this), nowMs);
    const connection = connectionOf(request.socket);
    if (connection) drain.end(connection, nowMs);
  }

  function onUpgrade(
    event: string,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): boolean {
    const connection = connectionOf(request.socket);
    const arrival = takeArrival(request.socket);
    if (arrival) {
      if (connection) drain.forget(connection);
      resumeUpgrade(arrival, request, socket);
      return true;
    }
    if (belongsToSession(sessions, request)) {
      if (connection) drain.forget(connection);
      return emit.call(server, event, request, socket, head);
    }
    // Another server of the same application has admitted it and hands it on.
    if (leaseOf(request)) return emit.call(server, event, request, socket, head);
    const admission = lifecycle.admit(UPGRADE);
    if (!admission.admitted) {
      refuseUpgrade(request.socket, admission);
      return true;
    }
    holdLease(request, admission);
    upgraded.set(socket, admission);
    socket.once('close', () => {
      upgraded.delete(socket);
      admission.end('completed');
    });
    if (connection) drain.forget(connection);
    return emit.call(server, event, request, socket, head);
  }

  /** The last word to clients whose handlers did not unwind. */
  function finishWork(): void {
    for (const { owner } of lifecycle.ledger.leases)
      if (isResponse(owner) && drain.has(connectionOf(owner.req.socket)))
        silence(owner, lifecycle.options.retryAfterMs);
    for (const [socket, { outcome }] of upgraded) if (outcome === undefined) socket.destroy();
  }

  inheritListen(lifecycle, server, { named: options.admin ?? false });
  return server;
}

function outcomeOf(response: ServerResponse): Outcome {
  if (!response.writableFinished) return 'cancelled';
  return response.statusCode >= 500 ? 'failed' : 'completed';
}

const isResponse = (owner: unknown): owner is ServerResponse =>
  typeof owner === 'object' && owner !== null && 'writeHead' in owner;

/** Whether `attachHttp` has been called for this server. */
export const isAttached = (server: Server): boolean => wasAttached('attachHttp', server);

function expectAttachable(server: Server): void {
  const candidate: unknown = server;
  // `attachHttp2` gives its own server, for the HTTP/1.1 connections of that.
  const isHttp = candidate instanceof Server || candidate instanceof HttpsServer;
  if (!isHttp && !wasAttached('attachHttp2', server))
    throw notAServer(
      'attachHttp',
      'what http.createServer or https.createServer returned',
      typeof server,
    );
  if (server.listening && !isAttached(server))
    throw listensAlready('attachHttp', 'Attach it before listen().');
  markAttached('attachHttp', server);
}
