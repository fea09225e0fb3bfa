import type { Handle, MoveMessage, MoveStep } from './wire.ts';

/**
 * Gathers the steps of many moves and sends those of one turn of the event loop in one message: to
 * write a message and to wake its reader costs more than all there is to do for a step. What else
 * goes over the same channel must `flush` first, so that its order is that of the calls.
 */
export class Outbox {
  readonly #send: (message: MoveMessage, handle?: Handle) => void;
  #steps: MoveStep[] = [];
  #connections: [number, Handle][] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(send: (message: MoveMessage, handle?: Handle) => void) {
    this.#send = send;
  }

  step(step: MoveStep): void {
    this.#steps.push(step);
    this.#schedule();
  }

  /** The connection that an offer is about. */
  connection(id: number, handle: Handle): void {
    this.#connections.push([id, handle]);
    this.#schedule();
  }

  flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const steps = this.#steps;
    const connections = this.#connections;
    this.#steps = [];
    this.#connections = [];
    if (steps.length > 0) this.#send({ type: 'moves', steps });
    for (const [id, handle] of connections) this.#send({ type: 'connection', id }, handle);
  }

  #schedule(): void {
    this.#turn ??= setImmediate(() => this.flush());
  }
}
