import { setTimeout as sleep } from 'node:timers/promises';
import { type RawAnswer, RawClient } from '../support/raw-client.ts';
import { deafen, pour, scribble } from '../support/vandals.ts';
import type { Driver, Peer, Reply, Vandals } from './peer.ts';

const PAUSE_MS = 500;

/** HTTP/1.1 with raw sockets. */
export const http1: Driver = makeDriver(false);
/** HTTP/1.1 over TLS; the fixture is told by `TLS=1`. */
export const http1Tls: Driver = { ...makeDriver(true), env: { TLS: '1' } };

function makeDriver(tls: boolean): Driver {
  return {
    open: async (port) => new Http1Peer(await RawClient.open(port, { tls })),
    async probe(server) {
      const client = await RawClient.open(server.port, { tls });
      client.get('/health');
      const live = (await client.answer())?.status;
      client.destroy();
      const second = await RawClient.open(server.port, { tls });
      second.get('/ready');
      const ready = (await second.answer())?.status;
      second.destroy();
      return { live: live === 200, ready: ready === 200 };
    },
    vandals: http1Vandals(tls),
  };
}

const REQUEST = `GET / HTTP/1.1\r\nHost: localhost\r\nPadding: ${'x'.repeat(1_000)}\r\n\r\n`;

function http1Vandals(tls: boolean): Vandals {
  const served = async (port: number): Promise<RawClient> => {
    const client = await RawClient.open(port, { tls });
    client.get('/');
    await client.answer();
    return client;
  };
  return {
    deaf: async (port) => deafen((await served(port)).socket),
    flood: async (port) => pour((await served(port)).socket, Buffer.from(REQUEST.repeat(64))),
    garbage: async (port) => scribble((await served(port)).socket),
  };
}

class Http1Peer implements Peer {
  readonly #client: RawClient;
  #last = false;

  constructor(client: RawClient) {
    this.#client = client;
  }

  async ask(work: string): Promise<Reply | undefined> {
    this.#client.get(work);
    return this.#reply();
  }

  async askAll(works: readonly string[]): Promise<(Reply | undefined)[]> {
    this.#client.write(
      works.map((work) => `GET ${work} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''),
    );
    const replies: (Reply | undefined)[] = [];
    for (const _ of works) replies.push(await this.#reply());
    return replies;
  }

  async upload(bytes: number, halfway: () => Promise<void>): Promise<Reply | undefined> {
    this.#client.write(
      `POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: ${bytes}\r\n\r\n`,
    );
    const half = bytes >> 1;
    this.#client.write(Buffer.alloc(half));
    await halfway();
    this.#client.write(Buffer.alloc(bytes - half));
    return this.#reply();
  }

  async askSlowly(work: string, paused: () => void): Promise<Reply | undefined> {
    const { socket } = this.#client;
    socket.once('data', () => {
      socket.pause();
      paused();
      void sleep(PAUSE_MS).then(() => socket.resume());
    });
    return this.ask(work);
  }

  get told(): boolean {
    return this.#last || this.#client.closing !== 'open';
  }

  closed(): Promise<'end' | 'reset' | 'open'> {
    return this.#client.closed();
  }

  destroy(): void {
    this.#client.destroy();
  }

  async #reply(): Promise<Reply | undefined> {
    const answer = await this.#client.answer();
    if (!answer) return undefined;
    if (answer.headers.get('connection')?.toLowerCase() === 'close') this.#last = true;
    return toReply(answer, this.#last);
  }
}

const toReply = ({ status, headers, body }: RawAnswer, last: boolean): Reply => ({
  status,
  text: body.length > 65_536 ? '' : body.toString(),
  bytes: body.length,
  retryAfter: headers.get('retry-after'),
  last,
});
