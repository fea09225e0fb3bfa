import { Server as NetServer, type Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Lease } from '../ledger/lease.ts';
import type { Refusal, Work } from '../ledger/ledger.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { PeerCounts } from '../telemetry/counters.ts';
import type { Stop } from '../lifecycle/stop.ts';
import { inheritListen } from '../supervised/listen.ts';
import { superviseWorker } from '../supervised/link.ts';
import { Handshakes } from './support/handshakes.ts';
import { LastAccept } from './support/last-accept.ts';
import { type Farewell, PeerDrain } from './support/peer-drain.ts';
import { listensAlready, markAttached, notAServer } from './support/attached.ts';
import { resolveLimits, wrongOption } from './support/peer-options.ts';

export type { PeerCounts } from '../telemetry/counters.ts';
export type { Farewell } from './support/peer-drain.ts';

const WORK: Work = { kind: 'tcp' };
const LINGER_MS = 300;

export interface NetOptions {
  /** Says goodbye in the words of the protocol; the connection is closed after it. */
  tell?: (socket: Socket, farewell: Farewell) => unknown;
  /**
   * A connection is closed when it has been silent for this time after it was told, so that a
   * message already on the wire is read and answered, in ms. Default 300; at most `lingerMaxMs`.
   */
  lingerMs?: number;
  /** How long a peer may take to close its side, in ms. Default 2,000. */
  closeTimeoutMs?: number;
  /** Closes of peers that are owed nothing are spread over this time, in ms. Default 0: at once. */
  closeWindowMs?: number;
  /** The reconnect hints are spread over this time, in ms. Default 5,000. */
  reconnectWindowMs?: number;
}

/** The connections of a server, and what they are owed. */
export interface NetPeers {
  /**
   * Admits a piece of work of `socket`, or refuses it. While the lease is open the connection is
   * not closed; when it closes, the lease is cancelled. End it when the answer has been written.
   * Default kind: `tcp`.
   */
  admit(socket: Socket, work?: Work): Lease | Refusal;
  readonly counts: Readonly<PeerCounts>;
}

/**
 * Puts a lifecycle into a node:net or node:tls server of a protocol of the user's own. An open
 * connection is no work: on drain it is told, kept until its work has ended, and closed in order.
 * Call it before `listen`.
 * Throws `ERR_LASTCALL_SERVER`, `ERR_LASTCALL_ATTACHED`, `ERR_LASTCALL_LISTENING` or
 * `ERR_LASTCALL_OPTION`.
 */
export function attachNet(
  lifecycle: Lifecycle,
  server: NetServer,
  options: NetOptions = {},
): NetPeers {
  expectAttachable(server);
  const { tell, lingerMs = LINGER_MS } = options;
  if (tell !== undefined && typeof tell !== 'function')
    throw wrongOption('tell', 'a function', tell);
  if (!Number.isFinite(lingerMs) || lingerMs < 0)
    throw wrongOption('lingerMs', 'a number of milliseconds', lingerMs);
  const limits = resolveLimits(options);
  markAttached('attachNet', server);
  superviseWorker(lifecycle);
  const { lingerMaxMs } = lifecycle.options;
  const drain = new NetDrain(lifecycle, server, limits, async (socket, farewell) => {
    await tell?.(socket, farewell);
    await silence(socket, Math.min(lingerMs, lingerMaxMs), lingerMaxMs);
  });
  lifecycle.attach(drain);
  const secure = server instanceof TlsServer;
  const event = secure ? 'secureConnection' : 'connection';
  const emit = server.emit.bind(server) as Emit;
  server.emit = ((name: string, ...args: unknown[]) => {
    const [socket] = args as [Socket];
    if (name === 'connection') drain.accepted(socket, secure);
    if (name !== event) return emit(name, ...args);
    // Before it is held: Node reads already, and without a listener a reset ends the process.
    socket.on('error', () => {
      drain.counts.faulty += 1;
    });
    drain.later(() => socket.destroyed || emit(name, ...args));
    if (secure) drain.shaken(socket);
    return true;
  }) as Emit;
  server.prependListener(event, (socket: Socket) => {
    socket.once('close', (broken) => drain.gone(socket, !broken));
    drain.add(socket);
  });
  inheritListen(lifecycle, server);
  return {
    counts: drain.counts,
    admit: (socket, work = WORK) => drain.promise(socket, work),
  };
}

type Emit = (event: string, ...args: unknown[]) => boolean;

class NetDrain extends PeerDrain<Socket> {
  readonly #listener: LastAccept;
  /** Connections that are served when the listener has closed. */
  #held: (() => unknown)[] | undefined;
  readonly #handshakes: Handshakes;
  readonly #lingerMaxMs: number;
  #shaken: (() => void) | undefined;

  constructor(
    lifecycle: Lifecycle,
    server: NetServer,
    limits: ConstructorParameters<typeof PeerDrain>[2],
    tell: (socket: Socket, farewell: Farewell) => unknown,
  ) {
    super(
      lifecycle,
      { name: 'tcp', tell, close: halfClose, terminate: (socket) => socket.destroy() },
      limits,
    );
    this.#listener = new LastAccept(server);
    this.#lingerMaxMs = lifecycle.options.lingerMaxMs;
    this.#handshakes = new Handshakes(() => {
      if (this.#handshakes.size === 0) this.#shaken?.();
    });
  }

  /** `secure`: its TLS handshake begins now. */
  accepted(socket: Socket, secure: boolean): void {
    this.#listener.note();
    if (secure) this.#handshakes.begin(socket);
  }

  /** The handshake of a connection that has been added, or is held, has ended. */
  shaken(socket: Socket): void {
    this.#handshakes.end(socket);
  }

  later(serve: () => unknown): void {
    if (this.#held) this.#held.push(serve);
    else serve();
  }

  override leave(stop: Stop): Promise<void> {
    // Others accept on the same socket: what comes from now on is theirs.
    if (stop.siblings) this.#listener.closeNow();
    return super.leave(stop);
  }

  override async close(stop: Stop): Promise<void> {
    // Served now, a client that connects anew for each answer would come again just before the end.
    const held: (() => unknown)[] = [];
    this.#held = held;
    await this.#listener.close();
    this.#held = undefined;
    for (const run of held) run();
    await this.#lastHandshakes(stop);
    await super.close(stop);
  }

  override destroy(): void {
    super.destroy();
    this.#handshakes.destroy();
  }

  override resume(): void {
    super.resume();
    this.#handshakes.unlimit();
  }

  /** Those under way when the listener has closed become connections like others, or are cut. */
  async #lastHandshakes(stop: Stop): Promise<void> {
    if (this.#handshakes.size === 0) return;
    this.#handshakes.limit(stop, this.#lingerMaxMs);
    await new Promise<void>((resolve) => {
      this.#shaken = resolve;
    });
  }
}

/** Ends our side; what the peer still sends is read, so that the kernel resets nothing. */
function halfClose(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed || socket.writableFinished) return resolve();
    socket.once('finish', resolve);
    socket.once('close', () => resolve());
    socket.end();
    return socket.resume();
  });
}

/** Resolves when nothing has come from the peer for `ms`, but within `maxMs`. */
async function silence(socket: Socket, ms: number, maxMs: number): Promise<void> {
  const untilMs = performance.now() + maxMs;
  for (let bytes = -1; bytes !== socket.bytesRead && performance.now() < untilMs;) {
    bytes = socket.bytesRead;
    await pause(socket, ms);
    if (socket.destroyed) return;
  }
}

/** Waits `ms`, or until the socket has closed. */
function pause(socket: Socket, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      socket.off('close', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    socket.once('close', done);
  });
}

function expectAttachable(server: NetServer): void {
  if (!(server instanceof NetServer))
    throw notAServer('attachNet', 'a node:net or node:tls server', typeof server);
  if (server.listening) throw listensAlready('attachNet', 'Attach it before listen().');
}
