import { setTimeout as sleep } from 'node:timers/promises';
import { type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Drainable } from '../../lifecycle/drainable.ts';
import type { Stop } from '../../lifecycle/stop.ts';
import { Arrivals } from './arrivals.ts';
import { Connection } from './connection.ts';
import { Handshakes } from './handshakes.ts';
import { lingeringClose } from './lingering-close.ts';
import { afterTwoPolls } from './turns.ts';

/** Where clients still connected within this time, although the stop had begun, the listener closes only in a silence of that one. */
const RECENT_MS = 1_000;
const SILENCE_MS = 30;
const SILENCES = 10;

export interface DrainLimits {
  lingerMaxMs: number;
}

/** The connections of one HTTP/1.1 server, and how they are brought to their end. */
export class HttpDrain implements Drainable {
  readonly admin: boolean;
  readonly #server: Server;
  readonly #limits: DrainLimits;
  readonly #finishWork: () => void;
  readonly #connections = new Set<Connection>();
  readonly #handshakes = new Handshakes(() => this.#settle());
  readonly #arrivals = new Arrivals();
  #accepted = 0;
  #acceptedMs = -Infinity;
  #typicalGapMs = 0;
  #stop: Stop | undefined;
  #draining = false;
  #closing = false;
  /** Known sources that may still send (while leaving); connections from before the drain (after). */
  #owed = new Set<Connection>();
  #resolved: (() => void) | undefined;
  #silence: NodeJS.Timeout | undefined;
  /** Handlers that wait until the listener has closed. */
  #held: (() => void)[] | undefined;

  constructor(
    server: Server,
    options: { admin: boolean; limits: DrainLimits; finishWork: () => void },
  ) {
    this.#server = server;
    this.admin = options.admin;
    this.#limits = options.limits;
    this.#finishWork = options.finishWork;
  }

  /** Whether answers have to be marked as the last of their connection. */
  get stopping(): boolean {
    return this.#stop !== undefined;
  }

  has(connection: Connection | undefined): boolean {
    return connection !== undefined && this.#connections.has(connection);
  }

  /** A connection was accepted but is not yet secure (TLS). */
  handshake(socket: Socket): void {
    this.#accept();
    this.#handshakes.begin(socket);
  }

  /** The handshake ended with another protocol. */
  shaken(socket: Socket): void {
    this.#handshakes.end(socket);
  }

  /** A connection can carry requests from here on. */
  open(socket: Socket): Connection {
    this.#accept();
    const connection = new Connection(socket);
    // Before its handshake is forgotten: else nothing would seem to be owed for a moment.
    this.#connections.add(connection);
    this.#handshakes.end(socket);
    socket.once('close', () => this.forget(connection));
    if (this.#stop) this.#stopping(connection);
    return connection;
  }

  /** A request has been read on `connection`. */
  begin(connection: Connection, response: ServerResponse, nowMs: number): void {
    const before = connection.newest;
    connection.begin(response, nowMs);
    if (connection.gapMs > this.#typicalGapMs) this.#typicalGapMs = connection.gapMs;
    else this.#typicalGapMs += (connection.gapMs - this.#typicalGapMs) * 0.001;
    if (!this.#stop) return;
    // Of pipelined requests only the last answer may close the connection (RFC 9112 section 9.3.2).
    if (before && !before.headersSent) before.shouldKeepAlive = connection.keptAlive;
    closeAfter(connection, response);
    // From here on node:http sees to it again.
    connection.timeoutMs = undefined;
  }

  /** Runs a handler one turn later, when all that was pipelined has been read. */
  later(run: () => void): void {
    if (this.#held) this.#held.push(run);
    else setImmediate(run);
  }

  /** A client has connected and sent its first piece of work. */
  arrived(connection: Connection, nowMs: number): void {
    this.#arrivals.note(nowMs, connection.socket.remoteAddress ?? '');
  }

  /** The answer to a request of `connection` has been flushed or given up. */
  end(connection: Connection, nowMs: number): void {
    connection.end(nowMs);
    if (this.#stop) this.#rest(connection);
  }

  /** The connection has gone, or belongs to another protocol now. */
  forget(connection: Connection): void {
    connection.stopLingering();
    this.#connections.delete(connection);
    this.#owed.delete(connection);
    this.#settle();
  }

  leave(stop: Stop): Promise<void> {
    this.#stop = stop;
    for (const connection of this.#connections) this.#stopping(connection);
    if (stop.siblings) {
      this.#closeListener();
      this.#handshakes.limit(stop, this.#limits.lingerMaxMs);
    }
    this.#owed = stop.siblings
      ? this.#connections
      : new Set([...this.#connections].filter((connection) => connection.isKnownSource));
    return this.#whenSettled();
  }

  drain(_stop: Stop): void {
    this.#draining = true;
    clearTimeout(this.#silence);
    this.#resolved?.();
    this.#owed = new Set(this.#connections);
    for (const connection of this.#owed) if (connection.silent) this.#silent(connection);
  }

  quiet(): Promise<void> {
    return this.#whenSettled();
  }

  finish(): void {
    this.#finishWork();
  }

  async close(stop: Stop): Promise<void> {
    await this.#acceptTheLast();
    this.#closing = true;
    for (const connection of this.#connections) if (connection.silent) connection.close();
    if (performance.now() >= stop.deadlineMs)
      for (const connection of this.#connections) if (connection.hadItsChance) connection.close();
    this.#owed = this.#connections;
    this.#handshakes.limit(stop, this.#limits.lingerMaxMs);
    await this.#whenSettled();
  }

  destroy(): void {
    for (const connection of this.#connections) connection.socket.destroy();
    this.#handshakes.destroy();
  }

  resume(): void {
    this.#stop = undefined;
    this.#draining = false;
    clearTimeout(this.#silence);
    this.#handshakes.unlimit();
    for (const connection of this.#connections) {
      connection.stopLingering();
      const { socket, newest, timeoutMs } = connection;
      Reflect.deleteProperty(socket, 'destroySoon');
      if (newest && !newest.headersSent) newest.shouldKeepAlive = connection.keptAlive;
      // Not where node:http has set another since.
      if (timeoutMs && !socket.timeout) socket.setTimeout(timeoutMs);
      connection.timeoutMs = undefined;
    }
  }

  #accept(): void {
    this.#accepted += 1;
    this.#acceptedMs = performance.now();
  }

  /** From now on the next answer of this connection is its last. */
  #stopping(connection: Connection): void {
    const { socket, newest } = connection;
    // The linger stands in for node:http's own keep-alive timeout, which cuts without looking.
    if (connection.pending === 0) {
      connection.timeoutMs = socket.timeout;
      socket.setTimeout(0);
    }
    // node:http calls destroySoon after the last answer, which may reset a peer that still sends.
    socket.destroySoon = () => lingeringClose(socket);
    if (newest && !newest.headersSent) closeAfter(connection, newest);
    this.#rest(connection);
  }

  #rest(connection: Connection): void {
    const { pending, socket } = connection;
    if (pending > 0 || socket.writableEnded || socket.destroyed) return;
    const stop = this.#stop;
    if (!stop) return;
    const { lingerMaxMs } = this.#limits;
    // With siblings nobody waits for this process, so it can afford the whole linger.
    const minMs = stop.siblings ? lingerMaxMs : undefined;
    // Not cut at the deadline: a drain that is held goes on answering probes on new connections.
    connection.linger(this.#typicalGapMs, lingerMaxMs, () => this.#silent(connection), minMs);
  }

  #silent(connection: Connection): void {
    // One that has carried nothing yet may be of a client that is held up: it has until the end.
    const isKept = connection.requests === 0 && !this.#closing;
    if ((this.#draining && !isKept) || this.#stop?.siblings) connection.close();
    else {
      this.#owed.delete(connection);
      this.#settle();
    }
  }

  #whenSettled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resolved = resolve;
    this.#settle();
    return promise;
  }

  /** Resolves the current wait once nothing is owed; while leaving, once clients stopped to come. */
  #settle(): void {
    if (!this.#stop || !this.#resolved || this.#owed.size > 0) return;
    if (this.#owed === this.#connections && this.#handshakes.size > 0) return;
    const silenceMs =
      this.#draining || this.#stop.siblings ? 0 : this.#arrivals.silenceMs(performance.now());
    clearTimeout(this.#silence);
    if (silenceMs > 0) this.#silence = setTimeout(() => this.#settle(), silenceMs);
    else this.#resolved();
  }

  /**
   * Connections that the kernel has accepted are owed an answer too. Answers are held back
   * meanwhile, so that a client that connects anew for each request does not come again just now.
   */
  async #acceptTheLast(): Promise<void> {
    this.#held = [];
    const since = Math.max(this.#stop?.startedMs ?? 0, performance.now() - RECENT_MS);
    const busy = this.#acceptedMs > since;
    for (let tries = 0, before = -1; tries < SILENCES && before !== this.#accepted; tries += 1) {
      before = this.#accepted;
      if (busy) await sleep(SILENCE_MS);
      await new Promise<void>(afterTwoPolls);
    }
    this.#closeListener();
    const held = this.#held;
    this.#held = undefined;
    for (const run of held) run();
  }

  #closeListener(): void {
    // http.Server's own close would also cut idle connections, with requests on the wire.
    if (this.#server.listening) NetServer.prototype.close.call(this.#server);
  }
}

/** Marks an answer as the last of its connection, in a way that can be undone. */
function closeAfter(connection: Connection, response: ServerResponse): void {
  connection.keptAlive = response.shouldKeepAlive;
  response.shouldKeepAlive = false;
}
