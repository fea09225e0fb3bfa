import { setImmediate } from 'node:timers/promises';
import type { Socket } from 'socket.io';
import type { Farewell } from './peer-drain.ts';
import { closeInOrder, type Connection, roundTrip, written } from './socketio-connection.ts';

/** A client that connects to ever more namespaces is closed all the same after so many rounds. */
const ROUNDS_MAX = 5;

export interface FarewellOptions {
  tell: (socket: Socket, farewell: Farewell) => unknown;
  /** How long a client may take to answer a ping, in milliseconds. */
  pongMs: number;
}

/** The sockets of each connection, and who of them has been told of the drain. */
export class Sockets {
  readonly #all = new Map<Connection, Set<Socket>>();
  /** Those that have not heard of the drain under way. */
  readonly #untold = new Map<Connection, Set<Socket>>();
  readonly #options: FarewellOptions;

  constructor(options: FarewellOptions) {
    this.#options = options;
  }

  open(connection: Connection): void {
    this.#all.set(connection, new Set());
  }

  gone(connection: Connection): void {
    this.#all.delete(connection);
    this.#untold.delete(connection);
  }

  /** A socket has connected to a namespace, and its client has been told so. */
  add(socket: Socket): void {
    this.#all.get(socket.conn)?.add(socket);
    this.#untold.get(socket.conn)?.add(socket);
    socket.once('disconnect', () => {
      this.#all.get(socket.conn)?.delete(socket);
      this.#untold.get(socket.conn)?.delete(socket);
    });
  }

  /** Tells each socket, and waits until what its client had sent before that has been read. */
  async tell(connection: Connection, farewell: Farewell): Promise<void> {
    this.#untold.set(connection, new Set(this.#all.get(connection)));
    await this.#round(connection, farewell);
  }

  /** Closes behind all that was sent. A socket that came meanwhile was asked in: it gets its round as well. */
  async close(connection: Connection, farewell: Farewell): Promise<void> {
    for (let rounds = 0; rounds < ROUNDS_MAX; rounds += 1) {
      await written(connection);
      if (!this.#untold.get(connection)?.size) break;
      await this.#round(connection, farewell);
    }
    closeInOrder(connection);
  }

  async #round(connection: Connection, farewell: Farewell): Promise<void> {
    const untold = [...(this.#untold.get(connection) ?? [])];
    this.#untold.get(connection)?.clear();
    await Promise.all(untold.map((socket) => this.#options.tell(socket, farewell)));
    await roundTrip(connection, this.#options.pongMs);
    // A namespace takes a socket in one turn after its packet has been read.
    await setImmediate();
  }
}
