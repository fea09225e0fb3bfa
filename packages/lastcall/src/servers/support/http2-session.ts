import { writeSync } from 'node:fs';
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterTwoPolls } from './turns.ts';

/** GOAWAY with the highest stream id and NO_ERROR: `the connection ends, open no more streams`. */
const NOTICE = Buffer.from('0000080700000000007fffffff00000000', 'hex');
/** How long a peer that was sent everything may keep its side of the connection open. */
const DISCARD_MS = 2_000;

interface Handle {
  fd?: number;
  writeQueueSize: number;
}

/** One HTTP/2 connection, and how it is brought to its end. */
export class Session {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  /** Streams that have not closed. */
  streams = 0;
  /** It has had a stream. */
  used = false;
  /** `noticed`: the client knows that the connection ends; `last`: it knows the last stream. */
  phase: 'open' | 'noticed' | 'last' = 'open';
  #timer: NodeJS.Timeout | undefined;
  /** Answers that wait until the client has been told that the connection ends. */
  #waiting: (() => void)[] | undefined;

  constructor(session: ServerHttp2Session, socket: Socket) {
    this.session = session;
    this.socket = socket;
    socket.once('close', () => clearTimeout(this.#timer));
  }

  /** Retires a connection that has not been used when `ms` have passed. */
  expectFirstStream(ms: number, maxMs: number, onLast: () => void): void {
    this.#timer = setTimeout(() => this.retire(maxMs, onLast), ms);
  }

  /**
   * Tells the client to open no more streams, waits a round trip, in which those on the wire arrive
   * and are served, and then says which was the last (RFC 9113 section 6.8). A client that does not
   * answer gets `maxMs`. Where the notice cannot be sent the last stream is named at once: the
   * client knows of later ones that they were not processed.
   */
  retire(maxMs: number, onLast: () => void): void {
    if (this.phase !== 'open') return;
    clearTimeout(this.#timer);
    const last = (): void => {
      this.last();
      onLast();
    };
    if (this.session.destroyed) return last();
    this.phase = 'noticed';
    this.#waiting = [];
    // Timers run before sockets: a process that was held up reads first what has come meanwhile.
    this.#timer = setTimeout(() => afterTwoPolls(last), maxMs);
    // Nothing may come before our SETTINGS (RFC 9113 section 3.4); once acknowledged, they have left.
    if (this.session.pendingSettingsAck) this.session.once('localSettings', () => this.#tell(last));
    else this.#tell(last);
  }

  #tell(last: () => void): void {
    if (this.phase !== 'noticed') return;
    if (this.session.destroyed || !this.#notice()) return last();
    this.#told();
    this.session.ping(() => {
      // Streams that arrived with the answer to the ping are opened first.
      if (this.phase === 'noticed') setImmediate(last);
    });
  }

  /** Sends the final GOAWAY; the connection closes when its streams have ended, or now. */
  last(): void {
    if (this.phase === 'last') return;
    this.phase = 'last';
    clearTimeout(this.#timer);
    if (this.session.destroyed) return;
    this.session.close();
    this.#told();
    if (this.streams === 0) this.#discard();
  }

  /** Runs an answer that sends the client elsewhere: after the word that this connection ends. */
  afterNotice(run: () => void): void {
    if (this.#waiting) this.#waiting.push(run);
    else run();
  }

  #told(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const run of waiting) run();
  }

  /** A stream has closed. */
  end(): void {
    this.streams -= 1;
    if (this.phase === 'last' && this.streams === 0) this.#discard();
  }

  destroy(): void {
    this.session.destroy();
    this.socket.destroy();
  }

  /**
   * Writes the notice past the session: nghttp2 ignores every stream after a GOAWAY that node:http2
   * sends through it. Only on a plain socket whose writes have all been taken by the kernel, so
   * that it falls between two frames.
   */
  #notice(): boolean {
    const handle = Reflect.get(this.socket, '_handle') as Handle | null;
    if (this.socket instanceof TLSSocket || !handle?.fd || handle.writeQueueSize !== 0)
      return false;
    try {
      return writeSync(handle.fd, NOTICE) === NOTICE.length;
    } catch {
      return false;
    }
  }

  #discard(): void {
    clearTimeout(this.#timer);
    if (!this.socket.destroyed) this.#timer = setTimeout(() => this.destroy(), DISCARD_MS);
  }
}
