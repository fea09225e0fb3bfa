import { Server, type Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterTwoPolls } from './turns.ts';

const SILENCE_MS = 30;
const SILENCES = 10;

/** Closes a listener without losing a connection that the kernel has accepted for it. */
export class LastAccept {
  readonly #server: NetServer;
  #accepted = 0;

  constructor(server: NetServer) {
    this.#server = server;
  }

  /** A connection has been accepted. */
  note(): void {
    this.#accepted += 1;
  }

  /**
   * Accepts what the kernel holds until nothing more comes, then closes the listener. Whoever
   * answers meanwhile should wait: a client that connects anew for each answer comes again.
   */
  async close(): Promise<void> {
    for (let tries = 0, before = -1; tries < SILENCES && before !== this.#accepted; tries += 1) {
      before = this.#accepted;
      await sleep(SILENCE_MS);
      // Timers run before sockets: a process that was held up has not yet seen who came meanwhile.
      await new Promise<void>(afterTwoPolls);
    }
    this.closeNow();
  }

  closeNow(): void {
    // The own close of a subclass would also touch its connections.
    if (this.#server.listening) Server.prototype.close.call(this.#server);
  }
}
