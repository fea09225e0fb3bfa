import type { Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Drainable } from '../../lifecycle/drainable.ts';
import type { Stop } from '../../lifecycle/stop.ts';
import { Arrivals } from './arrivals.ts';
import { every } from './batches.ts';
import { Handshakes } from './handshakes.ts';
import type { Session } from './http2-session.ts';

/** How long a connection that came while stopping may take to send its first stream. */
const FIRST_STREAM_MS = 300;

export interface Http2DrainOptions {
  admin: boolean;
  lingerMaxMs: number;
  /** Closes the listener: at once, or when the kernel holds no accepted connection any more. */
  listener: { close: () => Promise<void>; closeNow: () => void };
  /** Gives the final answer for work that did not unwind; not given where others do. */
  finishWork?: () => void;
}

/** The HTTP/2 connections of one server, and how they are brought to their end. */
export class Http2Drain implements Drainable {
  readonly admin: boolean;
  readonly #options: Http2DrainOptions;
  readonly #sessions = new Map<Http2Session, Session>();
  readonly #arrivals = new Arrivals();
  #stop: Stop | undefined;
  #draining = false;
  /** Connections that may still open a stream (while leaving), or that are still open (after). */
  #owed = new Set<Session>();
  #resolved: (() => void) | undefined;
  #silence: NodeJS.Timeout | undefined;
  /** Handlers that wait until the listener has closed. */
  #held: (() => void)[] | undefined;
  readonly #handshakes = new Handshakes(() => this.#settle());
  #closing = false;

  constructor(options: Http2DrainOptions) {
    this.admin = options.admin;
    this.#options = options;
  }

  /** A connection was accepted but is not yet secure (TLS). */
  handshake(socket: Socket): void {
    this.#handshakes.begin(socket);
  }

  /** The handshake has ended; a session of it has been opened before. */
  shaken(socket: Socket): void {
    this.#handshakes.end(socket);
  }

  open(session: Session): void {
    this.#sessions.set(session.session, session);
    if (this.#closing) this.#owed.add(session);
    session.socket.once('close', () => {
      this.#sessions.delete(session.session);
      this.#settled(session);
    });
    if (this.#stop)
      session.expectFirstStream(FIRST_STREAM_MS, this.#roundTripMs, () => this.#last(session));
  }

  /** A stream has been opened; tell the session that is returned when it has closed. */
  begin(of: Http2Session | undefined): Session | undefined {
    const session = of && this.#sessions.get(of);
    if (!session) return undefined;
    session.streams += 1;
    if (!session.used) this.#arrivals.note(performance.now(), session.socket.remoteAddress ?? '');
    session.used = true;
    if (this.#stop) this.#retire(session);
    return session;
  }

  /** Runs an answer when its client has been told, and no earlier than the listener has closed. */
  later(of: Http2Session | undefined, run: () => void): void {
    const session = of && this.#sessions.get(of);
    const answer = session ? (): void => session.afterNotice(run) : run;
    if (this.#held) this.#held.push(answer);
    else answer();
  }

  has(session: Http2Session | undefined): boolean {
    return session !== undefined && this.#sessions.has(session);
  }

  leave(stop: Stop): Promise<void> {
    this.#stop = stop;
    if (stop.siblings) this.#options.listener.closeNow();
    const sessions = [...this.#sessions.values()];
    this.#owed = new Set(sessions);
    void every(sessions, (session) => {
      if (this.#stop === stop) this.#retire(session);
    });
    return this.#whenSettled();
  }

  drain(_stop: Stop): void {
    this.#draining = true;
    clearTimeout(this.#silence);
    this.#resolved?.();
    this.#owed = new Set(this.#sessions.values());
  }

  quiet(): Promise<void> {
    return this.#whenSettled();
  }

  finish(): void {
    this.#options.finishWork?.();
  }

  async close(stop: Stop): Promise<void> {
    // Answers are held back, so that a client that connects anew for each does not come just now.
    const held: (() => void)[] = [];
    this.#held = held;
    await this.#options.listener.close();
    this.#held = undefined;
    for (const run of held) run();
    // One that has just been accepted may still send its first stream, one that was just told its last.
    const late = performance.now() >= stop.deadlineMs;
    if (late) for (const session of this.#sessions.values()) session.last();
    this.#closing = true;
    this.#owed = new Set(this.#sessions.values());
    this.#handshakes.limit(stop, this.#options.lingerMaxMs);
    await this.#whenSettled();
  }

  destroy(): void {
    for (const session of this.#sessions.values()) session.destroy();
    this.#handshakes.destroy();
  }

  resume(): void {
    this.#stop = undefined;
    this.#draining = false;
    clearTimeout(this.#silence);
  }

  #retire(session: Session): void {
    session.retire(this.#roundTripMs, () => this.#last(session));
  }

  get #roundTripMs(): number {
    const restMs = (this.#stop?.deadlineMs ?? Infinity) - performance.now();
    return Math.max(0, Math.min(this.#options.lingerMaxMs, restMs));
  }

  /** The client has been told of its last stream: while leaving, no more is expected of it. */
  #last(session: Session): void {
    if (!this.#draining) this.#settled(session);
  }

  #settled(session: Session): void {
    this.#owed.delete(session);
    this.#settle();
  }

  #whenSettled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resolved = resolve;
    this.#settle();
    return promise;
  }

  /** Resolves the current wait once nothing is owed; while leaving, once clients stopped to come. */
  #settle(): void {
    const stop = this.#stop;
    if (!stop || !this.#resolved || this.#owed.size > 0) return;
    if (this.#closing && this.#handshakes.size > 0) return;
    const silenceMs =
      this.#draining || stop.siblings ? 0 : this.#arrivals.silenceMs(performance.now());
    clearTimeout(this.#silence);
    if (silenceMs > 0) this.#silence = setTimeout(() => this.#settle(), silenceMs);
    else this.#resolved();
  }
}
