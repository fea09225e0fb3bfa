import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { lingeringClose } from './lingering-close.ts';
import { afterTwoPolls } from './turns.ts';

/** Gaps between a client's requests, as a maximum that fades. */
const FADE = 0.9;
/** The shortest linger: a busy client on a loaded machine may take this long to write. */
const LINGER_MIN_MS = 300;
/** A connection with this many requests is a source that is known to send. */
const KNOWN_REQUESTS = 3;

const CONNECTION = Symbol('lastcall.connection');

/** The connection that `holdConnection` has tied to a socket. */
export const connectionOf = (socket: Socket): Connection | undefined =>
  (socket as Socket & { [CONNECTION]?: Connection })[CONNECTION];

export function holdConnection(socket: Socket, connection: Connection): void {
  (socket as Socket & { [CONNECTION]?: Connection })[CONNECTION] = connection;
}

/** One HTTP/1.1 connection: what it is owed, and how its client spaces its requests. */
export class Connection {
  readonly socket: Socket;
  /** Answers not yet flushed. */
  pending = 0;
  requests = 0;
  /** The answer to the newest request that has been read. */
  newest: ServerResponse | undefined;
  /** Answers that were queued behind another on this connection (pipelining) and have not left. */
  readonly queued: ServerResponse[] = [];
  /** While stopping: whether the newest answer would have kept the connection open. */
  keptAlive = true;
  /** While stopping: the timeout that a socket had which has been idle since. */
  timeoutMs: number | undefined;
  /** The longest recent gap between an answer and the next request. */
  gapMs = 0;
  /** Its linger has passed without a request. */
  silent = false;
  #restMs = performance.now();
  #restBytes: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.#restBytes = socket.bytesRead;
  }

  get isKnownSource(): boolean {
    return this.requests >= KNOWN_REQUESTS;
  }

  /** Nothing is owed, and a request that was on the wire would have been read by now. */
  get hadItsChance(): boolean {
    return this.pending === 0 && performance.now() - this.#restMs > LINGER_MIN_MS;
  }

  /** A request has been read. */
  begin(response: ServerResponse, nowMs: number): void {
    if (this.pending === 0 && this.requests > 0)
      this.gapMs = Math.max(nowMs - this.#restMs, this.gapMs * FADE);
    if (this.pending > 0) this.queued.push(response);
    this.requests += 1;
    this.pending += 1;
    this.newest = response;
    if (this.#timer) this.#clear();
    this.silent = false;
  }

  /** An answer has been flushed, or given up. */
  end(nowMs: number): void {
    this.pending -= 1;
    // A client that pipelines without a pause would else keep each answer as long as it stays.
    while (this.queued.length > 0 && this.queued[0]?.closed) this.queued.shift();
    if (this.pending > 0) return;
    this.newest = undefined;
    this.#restMs = nowMs;
    this.#restBytes = this.socket.bytesRead;
  }

  /**
   * Waits, from now, for a request that may be on the wire. `onSilent` is called once when none
   * came. A head that has begun to arrive gets the whole of `maxMs`.
   */
  linger(typicalGapMs: number, maxMs: number, onSilent: () => void, minMs = LINGER_MIN_MS): void {
    if (this.pending > 0 || this.#timer || this.silent) return;
    const gapMs = this.requests > 1 ? this.gapMs : typicalGapMs;
    const firstMs = Math.min(maxMs, Math.max(minMs, 3 * gapMs));
    const silent = (): void => {
      this.#timer = undefined;
      this.silent = true;
      onSilent();
    };
    this.#after(firstMs, () => {
      if (this.#hasHalfAHead) this.#after(Math.max(0, maxMs - firstMs), silent);
      else silent();
    });
  }

  /**
   * Runs `then` after `ms` and two more turns: timers run before the sockets are polled, so on a
   * starved machine a request may lie unread in the kernel although its time has passed.
   */
  #after(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      afterTwoPolls(() => {
        if (this.#timer === timer) then();
      });
    }, ms);
    this.#timer = timer;
  }

  /** Closes in order: what was written is delivered. */
  close(): void {
    this.#clear();
    lingeringClose(this.socket);
  }

  /** The stop was undone, or the connection has gone. */
  stopLingering(): void {
    this.#clear();
    this.silent = false;
  }

  get #hasHalfAHead(): boolean {
    return this.socket.bytesRead > this.#restBytes;
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
