import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Stop } from '../../lifecycle/stop.ts';
import { afterTwoPolls } from './turns.ts';

/** The least that a handshake under way gets, also when the deadline of the stop has passed. */
const LEAST_MS = 300;

/** The TLS handshakes under way on one server, by the address of the peer. */
export class Handshakes {
  readonly #sockets = new Map<string, Socket>();
  readonly #onEnd: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onEnd` is called each time one has ended, with success or without. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** A connection was accepted but is not yet secure. */
  begin(socket: Socket): void {
    const key = keyOf(socket);
    this.#sockets.set(key, socket);
    socket.once('close', () => this.#end(key));
  }

  /** `socket` is secure now. */
  end(socket: Socket): void {
    this.#end(keyOf(socket));
  }

  /**
   * Cuts what has not become secure `maxMs` from now, or at the deadline where that comes first: a
   * peer that says nothing would be waited for as long as node:tls does, which is two minutes.
   */
  limit(stop: Stop, maxMs: number): void {
    if (this.size === 0) return;
    const restMs = stop.deadlineMs - performance.now();
    clearTimeout(this.#timer);
    const timer = setTimeout(
      () => {
        // What has come meanwhile is read first, on a machine that was held up.
        afterTwoPolls(() => {
          if (this.#timer === timer) this.destroy();
        });
      },
      Math.max(LEAST_MS, Math.min(maxMs, restMs)),
    );
    this.#timer = timer;
  }

  /** The stop was undone. */
  unlimit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  destroy(): void {
    this.unlimit();
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #end(key: string): void {
    if (!this.#sockets.delete(key)) return;
    if (this.size === 0 && this.#timer) this.unlimit();
    this.#onEnd();
  }
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;
