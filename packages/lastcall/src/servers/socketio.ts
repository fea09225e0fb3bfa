import type { Server as HttpServer } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Namespace, Server, Socket } from 'socket.io';
import type { Lease } from '../ledger/lease.ts';
import type { Refusal, Work } from '../ledger/ledger.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { PeerCounts } from '../telemetry/counters.ts';
import { attachHttp, isAttached } from './http.ts';
import { type Farewell, PeerDrain, type PeerLimits } from './support/peer-drain.ts';
import { listensAlready, markAttached, notAServer } from './support/attached.ts';
import { resolveLimits, wrongOption } from './support/peer-options.ts';
import { passSessions, takesSessions } from './support/sessions-over-http.ts';
import { type Connection, cut, isFault, whenGone } from './support/socketio-connection.ts';
import { Sockets } from './support/socketio-sockets.ts';

export type { PeerCounts } from '../telemetry/counters.ts';
export type { Farewell } from './support/peer-drain.ts';

const PROMISED: Work = { kind: 'task' };
const EVENT = 'service_restart';
/** The state of the WebSocketServer below: 0 running, 1 closing, 2 closed. */
const RUNNING = 0;

export interface SocketIoOptions extends Partial<PeerLimits> {
  /**
   * Tells a client that the service stops; its connection is closed after it. Default: emits
   * `service_restart` with `{ reconnectAfterMs, owed }`.
   */
  tell?: (socket: Socket, farewell: Farewell) => unknown;
}

/** The sockets of a server, and what they are owed. */
export interface SocketIoPeers {
  /**
   * Admits a piece of work whose result is promised to `socket`, or refuses it. While the lease is
   * open its connection is not closed; when it closes, the lease is cancelled. Default kind: `task`.
   */
  promise(socket: Socket, work?: Work): Lease | Refusal;
  /** Connections, each of which may carry sockets of several namespaces. */
  readonly counts: Readonly<PeerCounts>;
}

/**
 * Puts a lifecycle into a Server of socket.io 4 over node:http. A connection is no work: on drain
 * its sockets are told, it is kept until what was promised to them is delivered, and closed so that
 * the client connects again by itself. Rooms work to the end, and each socket gets `disconnecting`.
 * The HTTP server is attached too unless it was. Call it before `listen`.
 * Throws `ERR_LASTCALL_SERVER`, `ERR_LASTCALL_ATTACHED`, `ERR_LASTCALL_LISTENING` or
 * `ERR_LASTCALL_OPTION`.
 */
export function attachSocketIo(
  lifecycle: Lifecycle,
  io: Server,
  options: SocketIoOptions = {},
): SocketIoPeers {
  const server = httpServerOf(io);
  const { tell = tellRestart } = options;
  if (typeof tell !== 'function') throw wrongOption('tell', 'a function', tell);
  const limits = resolveLimits(options);
  markAttached('attachSocketIo', io);
  if (!isAttached(server)) attachHttp(lifecycle, server);
  // It need not answer at all, but one on a loaded machine may take long.
  const pongMs = lifecycle.options.lingerMaxMs;
  const sockets = new Sockets({ tell, pongMs });
  const drain = new PeerDrain<Connection>(
    lifecycle,
    {
      name: 'socket.io',
      tell: (connection, farewell) => sockets.tell(connection, farewell),
      close: (connection, farewell) => sockets.close(connection, farewell),
      terminate: cut,
    },
    limits,
  );
  lifecycle.attach(drain);

  const { engine } = io;
  const clients = (engine as unknown as { clients: Record<string, unknown> }).clients;
  passSessions(server, ({ url = '' }) => {
    if (!url.startsWith(io.path())) return false;
    const sid = new URL(url, 'http://localhost').searchParams.get('sid');
    if (sid !== null && Object.hasOwn(clients, sid)) return true;
    return takesSessions(lifecycle);
  });
  engine.on('connection', (connection: Connection) => {
    sockets.open(connection);
    connection.once('close', (reason: string) => {
      sockets.gone(connection);
      if (isFault(reason)) drain.counts.faulty += 1;
      whenGone(connection, (inOrder) => drain.gone(connection, inOrder));
    });
    drain.add(connection);
  });
  const watch = (namespace: Namespace): void => {
    namespace.on('connection', (socket) => sockets.add(socket));
  };
  for (const namespace of io._nsps.values()) watch(namespace);
  io.on('new_namespace', watch);
  lifecycle.onClose('socket.io', () => closeAdapters(io));
  return {
    counts: drain.counts,
    promise: (socket, work = PROMISED) => drain.promise(socket.conn, work),
  };
}

const tellRestart = (socket: Socket, { reconnectAfterMs, owed }: Farewell): unknown =>
  socket.emit(EVENT, { reconnectAfterMs, owed });

/** Lets adapters (Redis, a cluster) say goodbye. The server's own `close` would cut its HTTP server. */
async function closeAdapters(io: Server): Promise<void> {
  io.engine.close();
  for (const namespace of io._nsps.values()) await namespace.adapter.close();
}

function httpServerOf(io: Server): HttpServer {
  if (typeof (io as Partial<Server> | undefined)?.of !== 'function')
    throw notAServer('attachSocketIo', 'a Server of socket.io 4', typeof io);
  if (!('_nsps' in io) || typeof (io as Partial<Server>).fetchSockets !== 'function')
    throw notAServer('attachSocketIo', 'a Server of socket.io 4', 'an older one');
  const server = Reflect.get(io, 'httpServer') as HttpServer | undefined;
  if (!(server instanceof NetServer))
    throw notAServer('attachSocketIo', 'a Server of socket.io over node:http', 'one without it');
  if (server.listening && !isAttached(server))
    throw listensAlready(
      'attachSocketIo',
      'Give socket.io a node:http server and attach it before listen().',
    );
  // After its close it would take polls, and no WebSocket any more.
  const { _state: state = RUNNING } = (Reflect.get(io.engine, 'ws') ?? {}) as { _state?: number };
  if (state !== RUNNING) throw notAServer('attachSocketIo', 'an open Server', 'a closed one');
  return server;
}
