// One client on raw sockets that retries nothing: every request it sends is a promise to account for.
import { connect, type Socket } from 'node:net';
import { ResponseReader, type Response } from './response.ts';

export interface Target {
  host: string;
  port: number;
}

/** How one request ended. */
export type Outcome =
  | { kind: 'answered'; response: Response; ms: number; connectMs: number }
  /** The connection could not be made. */
  | { kind: 'unconnected'; error: string; ms: number }
  /** The connection ended before the answer was whole. */
  | {
      kind: 'dropped';
      error: string;
      ms: number;
      partial: boolean;
      answersBefore: number;
      idleMs: number;
    };

const STUCK_MS = 60_000;

export class Client {
  readonly #target: Target;
  #socket: Socket | undefined;
  #reader: ResponseReader | undefined;
  #connected = false;
  /** Answers on the connection that is open now, and when the last one came. */
  #answers = 0;
  #answeredMs = 0;
  #pending: { settle: (outcome: Outcome) => void; sentMs: number; connectMs: number } | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Sends one request on the open connection, or on a new one. `write` sends head and body. */
  request(write: (socket: Socket) => void): Promise<Outcome> {
    const startedMs = performance.now();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end('no answer for a minute'), STUCK_MS);
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer);
        this.#pending = undefined;
        resolve(outcome);
      };
      this.#pending = { settle, sentMs: startedMs, connectMs: 0 };
      if (this.#socket?.writable) {
        write(this.#socket);
        return;
      }
      const socket = this.#open();
      socket.once('connect', () => {
        this.#connected = true;
        if (this.#pending) this.#pending.connectMs = performance.now() - startedMs;
        write(socket);
      });
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #open(): Socket {
    const socket = connect({ ...this.#target, noDelay: true });
    this.#socket = socket;
    this.#connected = false;
    this.#answers = 0;
    this.#answeredMs = performance.now();
    const reader = new ResponseReader((response) => this.#answered(response));
    this.#reader = reader;
    socket.on('data', (chunk: Buffer) => reader.feed(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#end(error.code ?? error.message, socket),
    );
    socket.on('end', () => {
      reader.end();
      this.#end('closed', socket);
    });
    socket.on('close', () => this.#end('closed', socket));
    return socket;
  }

  #answered(response: Response): void {
    const pending = this.#pending;
    this.#answers += 1;
    this.#answeredMs = performance.now();
    if (response.close) this.close();
    if (!pending) return;
    const ms = performance.now() - pending.sentMs;
    pending.settle({ kind: 'answered', response, ms, connectMs: pending.connectMs });
  }

  #end(error: string, from = this.#socket): void {
    if (from !== this.#socket) return;
    const pending = this.#pending;
    const partial = this.#reader?.partial ?? false;
    this.close();
    if (!pending) return;
    const ms = performance.now() - pending.sentMs;
    if (!this.#connected) {
      pending.settle({ kind: 'unconnected', error, ms });
      return;
    }
    const idleMs = pending.sentMs - this.#answeredMs;
    pending.settle({ kind: 'dropped', error, ms, partial, answersBefore: this.#answers, idleMs });
  }
}
