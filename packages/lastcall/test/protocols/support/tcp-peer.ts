import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { Driver, Peer, Reply, Vandals } from '../../suite/index.ts';
import { RawClient } from '../../support/raw-client.ts';
import { deafen, pour, scribble } from '../../support/vandals.ts';
import { MessagePeer } from './message-peer.ts';

const PAUSE_MS = 500;

/** The line protocol of the TCP fixture. */
export const tcp: Driver = makeDriver(false);
/** The same over TLS. */
export const tcpTls: Driver = { ...makeDriver(true), env: { TLS: '1' } };

function makeDriver(tls: boolean): Driver {
  return {
    open: (port) => TcpPeer.open(port, tls),
    probe: () => Promise.reject(new Error('this protocol has no probes')),
    vandals: tcpVandals(tls),
    counts: ['terminated'],
  };
}

function tcpVandals(tls: boolean): Vandals {
  const served = async (port: number): Promise<Socket> => {
    const { socket } = await RawClient.open(port, { tls });
    socket.write('/ 1\n');
    await once(socket, 'data');
    return socket;
  };
  return {
    deaf: async (port) => deafen(await served(port)),
    flood: async (port) =>
      pour(await served(port), Buffer.from(`/?${'x'.repeat(1_000)} 1\n`.repeat(64))),
    garbage: async (port) => scribble(await served(port)),
  };
}

export class TcpPeer extends MessagePeer {
  readonly socket: Socket;
  #closing: 'end' | 'reset' | 'open' = 'open';
  #chunks: Buffer[] = [];
  #raw = 0;
  readonly #port: number;
  readonly #tls: boolean;

  private constructor(port: number, tls: boolean, socket: Socket) {
    super();
    this.#port = port;
    this.#tls = tls;
    this.socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => {
      this.#closing = 'reset';
    });
    socket.on('end', () => {
      if (this.#closing === 'open') this.#closing = 'end';
    });
    socket.on('close', () => this.ended());
  }

  static async open(port: number, tls = false): Promise<TcpPeer> {
    const socket = tls
      ? connectTls({ port, rejectUnauthorized: false })
      : connect(port, '127.0.0.1');
    await once(socket, tls ? 'secureConnect' : 'connect');
    return new TcpPeer(port, tls, socket);
  }

  askSlowly(work: string, paused: () => void): Promise<Reply | undefined> {
    this.socket.once('data', () => {
      this.socket.pause();
      paused();
      void sleep(PAUSE_MS).then(() => this.socket.resume());
    });
    return this.ask(work);
  }

  get isClosed(): boolean {
    return this.#closing !== 'open' || this.socket.destroyed;
  }

  async closed(): Promise<'end' | 'reset' | 'open'> {
    if (!this.socket.destroyed) await once(this.socket, 'close');
    return this.#closing;
  }

  /** The protocol has no word for it: an end with an answer outstanding, after the farewell. */
  protected get wasCancelled(): boolean {
    return this.#closing === 'end' && (this.draining?.owed ?? 0) > 0;
  }

  protected sendText(text: string): void {
    this.socket.write(`${text}\n`);
  }

  protected sendBytes(bytes: Buffer): void {
    this.socket.write(`bytes ${bytes.length}\n`);
    this.socket.write(bytes);
  }

  protected reopen(): Promise<Peer> {
    return TcpPeer.open(this.#port, this.#tls);
  }

  protected cut(): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      const taken = Math.min(this.#raw, rest.length);
      this.#raw -= taken;
      this.heardBytes(taken);
      rest = rest.subarray(taken);
      const end = rest.indexOf(10);
      if (end === -1) break;
      const line = Buffer.concat([...this.#chunks, rest.subarray(0, end)]).toString();
      this.#chunks = [];
      rest = rest.subarray(end + 1);
      if (line.startsWith('bytes ')) this.#raw = Number(line.slice(6));
      else this.heard(line);
    }
    if (rest.length > 0) this.#chunks.push(rest);
  }
}
