import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fetch, io, type Socket } from 'socket.io-client';
import type { WebSocket } from 'ws';
import { type Driver, http1, type Peer, type Reply } from '../../suite/index.ts';
import { MessagePeer, refused } from './message-peer.ts';
import type { Message } from './message-works.ts';
import { pollingVandals, socketIoVandals } from './socketio-vandals.ts';

type TransportName = 'polling' | 'websocket';

const PAUSE_MS = 500;
/**
 * Results count as delivered when they have been emitted. What is emitted waits for the client's next
 * request, so one that is held up needs more time after the deadline than other protocols give.
 */
const POLLING = { UNACKNOWLEDGED: '1', FORCE_MS: '6000', CLOSE_MS: '5000' };

const makeDriver = (transport: TransportName): Driver => ({
  open: (port) => SocketIoPeer.open(port, transport),
  probe: (server) => http1.probe(server),
  vandals: transport === 'polling' ? pollingVandals : socketIoVandals,
  counts: ['terminated', 'faulty'],
  ...(transport === 'polling' ? { env: POLLING } : {}),
});

/** socket.io over WebSockets; probes go over HTTP/1.1. */
export const socketIo: Driver = makeDriver('websocket');
/** socket.io over long polling. */
export const socketIoPolling: Driver = makeDriver('polling');

/** What the client says of a connection that failed. */
interface ConnectError extends Error {
  description?: unknown;
  context?: Response;
}

export class SocketIoPeer extends MessagePeer {
  readonly socket: Socket;
  reason: string | undefined;
  /** The answer to a handshake that was refused. */
  refusal: { retryAfter: string | undefined } | undefined;
  readonly #port: number;
  readonly #transport: TransportName;

  private constructor(port: number, transport: TransportName) {
    super();
    this.#port = port;
    this.#transport = transport;
    this.socket = io(`http://127.0.0.1:${port}`, {
      transports: transport === 'polling' ? [Fetch] : [transport],
      // A client that is held up might post on a connection that was closed for its silence.
      extraHeaders: transport === 'polling' ? { connection: 'close' } : {},
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

  /** Rejects when the connection is refused; a refused handshake makes a peer that is refused. */
  static async open(port: number, transport: TransportName): Promise<SocketIoPeer> {
    const peer = new SocketIoPeer(port, transport);
    const { socket } = peer;
    await new Promise<void>((resolve, reject) => {
      const refuse = (retryAfter: string | null | undefined): void => {
        peer.refusal = { retryAfter: retryAfter ?? undefined };
        resolve();
        peer.cut();
      };
      // Closed while it was shaking hands: it would connect again by itself.
      const onClose = (): void => refuse('1');
      socket.io.once('open', () => void socket.io.once('close', onClose));
      socket.once('connect', () => {
        socket.io.off('close', onClose);
        resolve();
      });
      peer.#webSocket?.once('unexpected-response', (_request, response: IncomingMessage) => {
        response.resume();
        refuse(response.headers['retry-after']);
      });
      socket.once('connect_error', (error: ConnectError) => {
        if (error.description === 503) return refuse(error.context?.headers.get('retry-after'));
        peer.cut();
        return reject(error);
      });
    });
    return peer;
  }

  override async ask(work: string): Promise<Reply | undefined> {
    if (this.refusal) return refused(this.refusal.retryAfter);
    // The next connection may find nobody listening any more.
    return this.isClosed ? super.ask(work).catch(() => refused('1')) : super.ask(work);
  }

  /** What is emitted while something is on its way leaves with one post, or right behind it. */
  override askAll(works: readonly string[]): Promise<(Reply | undefined)[]> {
    this.socket.emit('join', 'ahead');
    return super.askAll(works);
  }

  /** A poll cannot be paused: there the server is signalled when the answer has come. */
  askSlowly(work: string, paused: () => void): Promise<Reply | undefined> {
    const line = this.#webSocket;
    if (!line) this.socket.once('bytes', paused);
    const raw = line && (Reflect.get(line, '_socket') as NodeJS.EventEmitter);
    raw?.once('data', () => {
      line?.pause();
      paused();
      void sleep(PAUSE_MS).then(() => line?.resume());
    });
    return this.ask(work);
  }

  get isClosed(): boolean {
    return !this.socket.connected;
  }

  async closed(): Promise<'end' | 'reset' | 'open'> {
    if (this.refusal) return 'end';
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

  get #webSocket(): WebSocket | undefined {
    const { transport } = this.socket.io.engine;
    return Reflect.get(transport, 'ws') as WebSocket | undefined;
  }
}
