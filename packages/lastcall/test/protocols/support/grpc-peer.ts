import {
  Client,
  type ClientReadableStream,
  connectivityState,
  credentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { Driver, Peer, Reply } from '../../suite/index.ts';
import { type Text, works } from './grpc-service.ts';
import { http2Vandals } from './http2-vandals.ts';

const size = 64 * 1024 * 1024;

/** gRPC without a retry policy: only calls that were not processed are sent again (gRFC A6). */
export const grpc: Driver = {
  open: (port) => GrpcPeer.open(port),
  async probe(server) {
    const peer = await GrpcPeer.open(server.port);
    const serving = await health(peer.client, '');
    peer.destroy();
    if (serving < 0) throw new Error(`status ${-serving}`);
    return { live: serving === 1 || serving === 2, ready: serving === 1 };
  },
  vandals: http2Vandals(false),
};

/** `grpc.health.v1` on the wire: 1 SERVING, 2 NOT_SERVING; a negative number is a status code. */
export function health(client: Client, service: string): Promise<number> {
  const text = Buffer.from(service);
  const request = text.length > 0 ? Buffer.concat([Buffer.from([0x0a, text.length]), text]) : text;
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      (error, answer) => resolve(error ? -error.code : (answer?.[1] ?? 0)),
    );
  });
}

export class GrpcPeer implements Peer {
  readonly client: Client;
  #told = false;
  readonly #calls = new Set<{ cancel: () => void }>();

  private constructor(port: number) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': size,
      'grpc.max_send_message_length': size,
    });
  }

  /** Rejects when the connection is refused, and not because it takes long. */
  static async open(port: number): Promise<GrpcPeer> {
    const peer = new GrpcPeer(port);
    const channel = peer.client.getChannel();
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return peer;
      if (state === connectivityState.TRANSIENT_FAILURE) {
        peer.destroy();
        throw new Error('The connection was refused.');
      }
      await new Promise((resolve) => {
        channel.watchConnectivityState(state, Infinity, resolve);
      });
    }
  }

  ask(work: string, onHead = (): void => {}): Promise<Reply | undefined> {
    if (work.startsWith('/stream') || work === '/polite') return this.#read(work);
    const { path, requestSerialize, responseDeserialize } = works.unary;
    return new Promise((resolve) => {
      const call = this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { text: work },
        (error, value) => {
          this.#calls.delete(call);
          resolve(error ? this.#failed(error) : reply(value as Text, this.told));
        },
      );
      call.once('metadata', onHead);
      this.#calls.add(call);
    });
  }

  askAll(asked: readonly string[]): Promise<(Reply | undefined)[]> {
    return Promise.all(asked.map((work) => this.ask(work)));
  }

  upload(bytes: number, halfway: () => Promise<void>): Promise<Reply | undefined> {
    const { path, requestSerialize, responseDeserialize } = works.upload;
    return new Promise((resolve) => {
      const call = this.client.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        (error, value) => resolve(error ? this.#failed(error) : reply(value as Text, false)),
      );
      const half = bytes >> 1;
      call.write({ text: '', bytes: half });
      void halfway().then(() => {
        call.write({ text: '', bytes: bytes - half });
        call.end();
      });
    });
  }

  /** A unary answer cannot be paused; the server is signalled while it flows. */
  askSlowly(work: string, paused: () => void): Promise<Reply | undefined> {
    return this.ask(work, paused);
  }

  get told(): boolean {
    return this.#told || this.#isLeft;
  }

  /** After GOAWAY the channel has no connection until the next call. */
  get #isLeft(): boolean {
    return this.client.getChannel().getConnectivityState(false) !== connectivityState.READY;
  }

  closed(): Promise<'end' | 'reset' | 'open'> {
    return Promise.resolve('end');
  }

  destroy(): void {
    for (const call of this.#calls) call.cancel();
    this.client.close();
  }

  #read(work: string): Promise<Reply | undefined> {
    const { path, requestSerialize, responseDeserialize } = works.stream;
    const call: ClientReadableStream<Text> = this.client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { text: work },
    );
    let text = '';
    call.on('data', (part: Text) => {
      text += part.text;
    });
    return new Promise((resolve) => {
      call.on('error', (error: ServiceError) => resolve(this.#failed(error)));
      call.on('end', () => resolve(reply({ text }, this.told)));
    });
  }

  #failed({ code, metadata }: ServiceError): Reply | undefined {
    const [pushback] = metadata.get('grpc-retry-pushback-ms');
    if (code === status.INTERNAL) return { ...refusal, status: 500 };
    if (code !== status.UNAVAILABLE && code !== status.DEADLINE_EXCEEDED) return undefined;
    this.#told = true;
    return { ...refusal, retryAfter: pushback?.toString() };
  }
}

const refusal: Reply = { status: 503, text: '', bytes: 0, retryAfter: undefined, last: true };

const reply = ({ text, bytes = text.length }: Text, last: boolean): Reply => ({
  status: 200,
  text,
  bytes,
  retryAfter: undefined,
  last,
});
