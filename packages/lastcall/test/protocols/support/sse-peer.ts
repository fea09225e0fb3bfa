import { type Driver, http1, type Peer, type Reply } from '../../suite/index.ts';
import { deafen } from '../../support/vandals.ts';
import { RawClient } from '../../support/raw-client.ts';
import { http2Clear } from './http2-peer.ts';

/** Event streams over HTTP/1.1. */
export const sse: Driver = {
  ...eventStreams(http1),
  vandals: {
    ...http1.vandals,
    async deaf(port) {
      const client = await RawClient.open(port);
      client.get('/feed');
      await new Promise((resolve) => client.socket.once('data', resolve));
      return deafen(client.socket);
    },
  },
};
/** Event streams over HTTP/2. */
export const sseOverHttp2: Driver = { ...eventStreams(http2Clear), env: { H2: '1' } };

function eventStreams(driver: Driver): Driver {
  return { ...driver, open: async (port) => listening(await driver.open(port)) };
}

/** Reads the answers of `peer` as event streams. */
function listening(peer: Peer): Peer {
  const read = async (asked: Promise<Reply | undefined>) => toReply(await asked);
  return {
    ask: (work) => read(peer.ask(work)),
    askAll: async (works) => (await peer.askAll(works)).map(toReply),
    upload: (bytes, halfway) => read(peer.upload(bytes, halfway)),
    askSlowly: (work, paused) => read(peer.askSlowly(work, paused)),
    get told() {
      return peer.told;
    },
    closed: () => peer.closed(),
    destroy: () => peer.destroy(),
  };
}

/** Of a single event its data; of several the stream; a final event of the kind `error` is a refusal. */
function toReply(reply: Reply | undefined): Reply | undefined {
  if (!reply) return undefined;
  const only = /^data: (.*)\n\n$/.exec(reply.text)?.[1];
  if (only !== undefined) return { ...reply, text: only };
  return reply.text.includes('event: error\n') ? { ...reply, status: 503 } : reply;
}
