import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Driver, http1, type Peer, type Reply } from '../../suite/index.ts';
import { MessagePeer, refused } from './message-peer.ts';
import { frame, webSocketVandals } from './web-socket-vandals.ts';

const PAUSE_MS = 500;
const ABNORMAL = 1006;
const BINARY = 2;

/** WebSockets with the ws client; probes go over HTTP/1.1. */
export const webSocket: Driver = {
  open: (port) => WsPeer.open(port),
  probe: (server) => http1.probe(server),
  vandals: webSocketVandals(
    '/ws',
    frame(BINARY, Buffer.alloc(1)),
    frame(BINARY, Buffer.alloc(16_384)),
  ),
  counts: ['terminated', 'faulty'],
};

export class WsPeer extends MessagePeer {
  readonly socket: WebSocket;
  /** The close frame, or what stood in for it. */
  closing: { code: number; reason: string } | undefined;
  /** The answer to an upgrade that was refused. */
  refusal: IncomingMessage | undefined;
  readonly #port: number;

  private constructor(port: number) {
    super();
    this.#port = port;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.heardBytes(data.length);
      else this.heard(data.toString());
    });
    this.socket.on('error', () => {});
    this.socket.on('close', (code, reason) => {
      this.closing = { code, reason: reason.toString() };
      this.ended();
    });
  }

  static async open(port: number): Promise<WsPeer> {
    const peer = new WsPeer(port);
    const refusal = once(peer.socket, 'unexpected-response');
    refusal.catch(() => {});
    await Promise.race([
      once(peer.socket, 'open'),
      refusal.then(([, response]) => {
        peer.refusal = response as IncomingMessage;
        peer.refusal.resume();
      }),
    ]);
    return peer;
  }

  override async ask(work: string): Promise<Reply | undefined> {
    // A refused upgrade is the answer to whatever would have been asked.
    return this.refusal ? refused(this.refusal.headers['retry-after']) : super.ask(work);
  }

  askSlowly(work: string, paused: () => void): Promise<Reply | undefined> {
    const raw = Reflect.get(this.socket, '_socket') as Socket;
    raw.once('data', () => {
      this.socket.pause();
      paused();
      void sleep(PAUSE_MS).then(() => this.socket.resume());
    });
    return this.ask(work);
  }

  get isClosed(): boolean {
    return this.socket.readyState !== WebSocket.OPEN;
  }

  async closed(): Promise<'end' | 'reset' | 'open'> {
    if (this.refusal) return 'end';
    if (!this.closing) await once(this.socket, 'close');
    return this.closing?.code === ABNORMAL ? 'reset' : 'end';
  }

  protected get wasCancelled(): boolean {
    return this.closing?.code === 1012 && this.closing.reason.includes('cancelled=');
  }

  protected sendText(text: string): void {
    this.socket.send(text);
  }

  protected sendBytes(bytes: Buffer): void {
    this.socket.send(bytes);
  }

  protected reopen(): Promise<Peer> {
    return WsPeer.open(this.#port);
  }

  protected cut(): void {
    this.socket.terminate();
  }
}
