import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const HEADERS = 1;

/** A TCP relay before a cleartext HTTP/2 server. It knows which streams have left the client. */
export interface Wire {
  readonly address: string;
  /** Streams whose HEADERS frame a client has sent. */
  readonly streams: () => number;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function wireTo(address: string): Promise<Wire> {
  const { hostname, port } = new URL(`http://${address}`);
  const sockets = new Set<Socket>();
  let streams = 0;
  const relay = createServer((client) => {
    const server = connect(Number(port), hostname);
    client.on(
      'data',
      countStreams(() => (streams += 1)),
    );
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) {
      sockets.add(socket.setNoDelay());
      socket.on('error', () => {}); // its other side ends with it
      socket.on('close', () => {
        sockets.delete(socket);
        (socket === client ? server : client).destroy();
      });
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return {
    address: `127.0.0.1:${(relay.address() as AddressInfo).port}`,
    streams: () => streams,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      relay.close();
      await once(relay, 'close');
    },
  };
}

/** Reads what a client sends and tells of each HEADERS frame (RFC 9113 section 4.1). */
function countStreams(opened: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let skip = PREFACE_BYTES;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= skip + HEAD_BYTES) {
      rest = rest.subarray(skip);
      if (rest[3] === HEADERS) opened();
      skip = HEAD_BYTES + rest.readUIntBE(0, 3);
    }
  };
}
