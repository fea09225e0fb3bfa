import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import {
  Metadata,
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  status as Code,
} from '@grpc/grpc-js';
import type { Lease } from '../ledger/lease.ts';
import type { Refusal } from '../ledger/ledger.ts';
import type { Drainable } from '../lifecycle/drainable.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { superviseWorker } from '../supervised/link.ts';
import { inheritListen } from '../supervised/listen.ts';
import {
  admitCalls,
  type AnyCall,
  endCall,
  type Handler,
  leaseOfCall,
  RunningCall,
  sendStatus,
  type Status,
} from './support/grpc-calls.ts';
import {
  type HealthRequest,
  healthDefinition,
  type HealthResponse,
  NOT_SERVING,
  SERVICE_UNKNOWN,
  SERVING,
} from './support/grpc-health.ts';
import { Http2Drain } from './support/http2-drain.ts';
import { beginStream, endStream, watchSessions } from './support/http2-watch.ts';
import { LastAccept } from './support/last-accept.ts';
import { isAttached, listensAlready, markAttached, notAServer } from './support/attached.ts';

const CALL = 'call';
const DETAILS = 'Service is shutting down';
/** Questions about the services: each is answered at once, and the stream they come on is no work. */
const REFLECTION = '/grpc.reflection.';

export interface GrpcOptions {
  /** Adds `grpc.health.v1.Health`. Default true; false where the application has its own. */
  health?: boolean;
}

/** The lease of a call: its signal, its kind. Undefined for calls of health and reflection. */
export function leaseOf(call: object): Lease | undefined {
  return leaseOfCall(call);
}

/**
 * Puts a lifecycle into a server of @grpc/grpc-js: admits its calls, answers the health service, and
 * shuts down with nothing dropped. Returns the server. Call it before `addService` and `bindAsync`.
 * Throws `ERR_LASTCALL_SERVER`, `ERR_LASTCALL_ATTACHED` or `ERR_LASTCALL_LISTENING`.
 */
export function attachGrpc(
  lifecycle: Lifecycle,
  server: Server,
  options: GrpcOptions = {},
): Server {
  expectServer(server);
  expectUnused(server);
  markAttached('attachGrpc', server);
  superviseWorker(lifecycle);
  const drain = new GrpcDrain(lifecycle, server);
  lifecycle.attach(drain);
  if (options.health ?? true)
    server.addService(healthDefinition, { Check: drain.check, Watch: drain.watch });

  const register = server.register.bind(server);
  server.register = (name: string, handler: Handler, ...rest: [never, never, string]) => {
    drain.services.add(name.split('/')[1] ?? '');
    if (name.startsWith(REFLECTION)) return register(name, drain.asking(handler) as never, ...rest);
    const work = { kind: CALL, label: name };
    const admitted = admitCalls(handler, {
      unary: rest[2] === 'unary',
      admit: () => lifecycle.admit(work),
      refused,
    });
    return register(name, admitted as never, ...rest);
  };
  watchListeners(lifecycle, server);
  return server;
}

/**
 * grpc-js makes one HTTP/2 server for each address, and brings its connections to their end by
 * dropping the calls on the wire. They are treated as those of any HTTP/2 server instead, and share
 * a port that a supervisor holds.
 */
function watchListeners(lifecycle: Lifecycle, server: Server): void {
  const { lingerMaxMs } = lifecycle.options;
  const make = Reflect.get(server, 'createHttp2Server') as (credentials: unknown) => Http2Server;
  const watch = (credentials: unknown): Http2Server => {
    const made = Reflect.apply(make, server, [credentials]);
    const listener = new LastAccept(made);
    const drain = new Http2Drain({ admin: false, lingerMaxMs, listener });
    watchSessions(made, drain, listener);
    made.prependListener('stream', (stream) => {
      beginStream(drain, stream);
      stream.on('close', onStreamClose);
    });
    lifecycle.attach(drain);
    inheritListen(lifecycle, made);
    return made;
  };
  Reflect.set(server, 'createHttp2Server', watch);
}

/** One function for all streams: a closure for each makes a call dearer by a tenth. */
function onStreamClose(this: ServerHttp2Stream): void {
  endStream(this);
  endCall(this);
}

/** Work that was not begun: any other server may do it, after a pause (gRFC A6). */
function refused({ retryAfterMs }: Refusal): Status {
  const metadata = new Metadata();
  metadata.set('grpc-retry-pushback-ms', String(Math.round(retryAfterMs)));
  return { code: Code.UNAVAILABLE, details: DETAILS, metadata };
}

/** Work that was begun and cut: not retried by itself, it may have had its effect. */
const cut = (): Status => ({
  code: Code.DEADLINE_EXCEEDED,
  details: 'Cancelled: the service had to stop before this call was done',
  metadata: new Metadata(),
});

/** A question that is on the wire goes unanswered: asked elsewhere, it is. */
function refuseQuestions(call: AnyCall): void {
  call.removeAllListeners('data');
  sendStatus(call, undefined, { code: Code.UNAVAILABLE, details: DETAILS });
}

type Watch = ServerWritableStream<HealthRequest, HealthResponse>;

/** The calls and the health of one server; its connections have a drain for each address. */
class GrpcDrain implements Drainable {
  readonly admin = false;
  readonly services = new Set(['']);
  readonly #lifecycle: Lifecycle;
  readonly #server: Server;
  readonly #watches = new Set<Watch>();
  readonly #questions = new Set<AnyCall>();
  #draining = false;

  constructor(lifecycle: Lifecycle, server: Server) {
    this.#lifecycle = lifecycle;
    this.#server = server;
    lifecycle.events.on('state', () => {
      for (const call of this.#watches) call.write({ status: this.#status(call.request.service) });
    });
  }

  readonly check = (
    call: ServerUnaryCall<HealthRequest, HealthResponse>,
    callback: (error: Status | null, response?: HealthResponse) => void,
  ): void => {
    const status = this.#status(call.request.service);
    if (status !== SERVICE_UNKNOWN) callback(null, { status });
    else callback({ code: Code.NOT_FOUND, details: `unknown service ${call.request.service}` });
  };

  readonly watch = (call: Watch): void => {
    call.on('cancelled', () => this.#watches.delete(call));
    call.on('error', () => {});
    this.#watches.add(call);
    call.write({ status: this.#status(call.request.service) });
    if (this.#draining) call.end();
  };

  asking(handler: Handler): Handler {
    return (call, callback) => {
      if (this.#draining) return refuseQuestions(call);
      const gone = (): void => void this.#questions.delete(call);
      this.#questions.add(call);
      (call as NodeJS.EventEmitter).on('cancelled', gone).on('finish', gone);
      return handler(call, callback);
    };
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  drain(): void {
    this.#draining = true;
    // They have been told, and would hold their connections.
    for (const call of this.#watches) call.end();
    for (const call of this.#questions) refuseQuestions(call);
  }

  quiet(): Promise<void> {
    return Promise.resolve();
  }

  finish(): void {
    for (const { owner } of this.#lifecycle.ledger.leases)
      if (owner instanceof RunningCall) owner.refuse(cut());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): void {
    this.#server.forceShutdown();
  }

  resume(): void {
    this.#draining = false;
  }

  #status(service: string): number {
    if (!this.services.has(service)) return SERVICE_UNKNOWN;
    return this.#lifecycle.state === 'ready' ? SERVING : NOT_SERVING;
  }
}

function expectUnused(server: Server): void {
  if (Reflect.get(server, 'shutdown') === true)
    throw notAServer('attachGrpc', 'an open Server', 'one that was shut down');
  const has = (name: string): boolean =>
    ((Reflect.get(server, name) as Map<unknown, unknown> | undefined)?.size ?? 0) > 0;
  if (isAttached('attachGrpc', server)) return;
  if (has('handlers'))
    throw listensAlready('attachGrpc', 'It has services: attach it before addService().');
  if (has('boundPorts') || has('http2Servers'))
    throw listensAlready('attachGrpc', 'It is bound: attach it before bindAsync().');
}

/** By its shape: the application may have a copy of grpc-js that is not the one of this package. */
function expectServer(server: object): void {
  const own = ['addService', 'bindAsync', 'createHttp2Server', 'register', 'tryShutdown'];
  const isServer =
    typeof server === 'object' &&
    server !== null &&
    own.every((name) => typeof Reflect.get(server, name) === 'function');
  if (!isServer)
    throw notAServer('attachGrpc', 'a Server of @grpc/grpc-js 1.14 or a later 1', typeof server);
}
