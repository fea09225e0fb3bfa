import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { type Driver, http1, type Peer, type Reply } from '../../suite/index.ts';
import { MessagePeer } from './message-peer.ts';
import type { Message } from './message-works.ts';

const makeDriver = (transport: 'polling' | 'websocket'): Driver => ({
  open: (port) => SocketIoPeer.open(port, transport),
  probe: (server) => http1.probe(server),
});

/** socket.io over WebSockets; probes go over HTTP/1.1. */
export const socketIo: Driver = makeDriver('websocket');
/** socket.io over long polling. */
export const socketIoPolling: Driver = makeDriver('polling');

export class SocketIoPeer extends MessagePeer {
  readonly socket: Socket;
  reason: string | undefined;
  readonly #port: number;
  readonly #transport: 'polling' | 'websocket';

  private constructor(port: number, transport: 'polling' | 'websocket') {
    super();
    this.#port = port;
    this.#transport = transport;
    this.socket = io(`http://127.0.0.1:${port}`, {
      transports: [transport],
      reconnection: false,
      forceNew: true,
    });
    this.socket.on('answer', (message: Message, acknowledge?: () => void) => {
      acknowledge?.();
      this.heard(JSON.stringify(message));
    });
    this.socket.on('bytes', (bytes: Buffer) => this.heardBytes(bytes.length));
    this.socket.on('service_restart', (facts: object) =>
      this.heard(JSON.stringify({ ...facts, draining: true })),
    );
    this.socket.on('disconnect', (reason) => {
      this.reason = reason;
      this.ended();
    });
  }

  static async open(port: number, transport: 'polling' | 'websocket'): Promise<SocketIoPeer> {
    const peer = new SocketIoPeer(port, transport);
    await new Promise<void>((resolve, reject) => {
      peer.socket.once('connect', resolve);
      peer.socket.once('connect_error', (error) => {
        peer.destroy();
        reject(error);
      });
    });
    return peer;
  }

  async askSlowly(work: string, paused: () => void): Promise<Reply | undefined> {
    const asked = this.ask(work);
    paused();
    await sleep(500);
    return asked;
  }

  get isClosed(): boolean {
    return !this.socket.connected;
  }

  async closed(): Promise<'end' | 'reset' | 'open'> {
    if (this.reason === undefined) await once(this.socket as never, 'disconnect');
    return this.reason === 'transport close' ? 'end' : 'reset';
  }

  protected get wasCancelled(): boolean {
    return this.reason === 'transport close' && (this.draining?.owed ?? 0) > 0;
  }

  protected sendText(text: string): void {
    this.socket.emit('work', text);
  }

  protected sendBytes(bytes: Buffer): void {
    this.socket.emit('bytes', bytes);
  }

  protected reopen(): Promise<Peer> {
    return SocketIoPeer.open(this.#port, this.#transport);
  }

  protected cut(): void {
    this.socket.disconnect();
    this.socket.io.engine?.close();
  }
}
