// One connection after the other for one stream. All of them share one buffer to read into.
import { connect, type Socket } from 'node:net';
import { type Account, note, Numbers } from './account.ts';
import { SseReader, sseRequest } from './sse-client.ts';
import { clientFrame, WsReader, wsRequest } from './ws-client.ts';

const SHARED = Buffer.allocUnsafe(65_536);
const RETRY_MS = 20;
const TEXT = 1;

export interface Target {
  port: number;
  /** Reconnects with the number of its last event when its connection is lost. */
  resume: boolean;
  /** Told whose stream was cut: who had written its last event. */
  onCut?: (writer: string) => void;
}

export class Client {
  readonly numbers: Numbers;
  readonly #account: Account;
  readonly #target: Target;
  readonly #index: number;
  readonly #path: string | undefined;
  #socket: Socket | undefined;
  #reader: SseReader | WsReader | undefined;
  #ended = false;
  #sent = 0;

  /** `path`: of its event stream; without it a WebSocket. */
  constructor(account: Account, target: Target, index: number, path?: string) {
    this.#account = account;
    this.#target = target;
    this.#index = index;
    this.#path = path;
    this.numbers = new Numbers(account, path === undefined ? `socket ${index}` : `stream ${index}`);
  }

  open(): void {
    const options = {
      port: this.#target.port,
      host: '127.0.0.1',
      // Two addresses have twice the ports.
      localAddress: this.#index % 2 === 0 ? '127.0.0.1' : '127.0.0.2',
      onread: {
        buffer: SHARED,
        callback: (size: number, buffer: Uint8Array): boolean => {
          this.#take(socket, buffer.subarray(0, size) as Buffer);
          return true;
        },
      },
    };
    const socket = connect(options);
    this.#socket = socket;
    const { numbers } = this;
    this.#reader =
      this.#path === undefined
        ? new WsReader(this.#account, numbers, (frame) => socket.write(frame))
        : new SseReader(this.#account, numbers);
    let why = 'closed';
    socket.on('error', (error) => (why = error.message));
    socket.once('close', () => this.#lost(why));
    socket.write(this.#path === undefined ? wsRequest() : sseRequest(this.#path, numbers.last));
  }

  /** Sends the next numbered message to the server. */
  say(): void {
    this.#sent += 1;
    this.#account.sent += 1;
    this.#socket?.write(clientFrame(TEXT, Buffer.from(String(this.#sent))));
  }

  /** Messages that were sent, and that the server has not heard. */
  get unheard(): number {
    return this.#reader instanceof WsReader ? this.#sent - this.#reader.heard : 0;
  }

  end(): void {
    this.#ended = true;
    this.#socket?.destroy();
  }

  #take(socket: Socket, bytes: Buffer): void {
    const wrong = this.#reader?.take(bytes);
    if (wrong === undefined) return;
    if (!this.#target.resume)
      note(this.#account, `${this.#path ?? 'socket'} ${this.#index}: ${wrong}`);
    socket.destroy();
  }

  #lost(why: string): void {
    if (this.#ended) return;
    this.#account.closed += 1;
    const { resume, onCut } = this.#target;
    if (this.#reader instanceof SseReader) onCut?.(this.#reader.writer);
    if (!resume) {
      note(
        this.#account,
        `${this.#path ?? 'socket'} ${this.#index} after ${this.numbers.last}: ${why}`,
      );
      return;
    }
    setTimeout(() => {
      if (this.#ended) return;
      this.#account.reopened += 1;
      this.open();
    }, RETRY_MS);
  }
}
