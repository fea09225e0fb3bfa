import type { Socket } from 'node:net';
import { http1, type Vandals } from '../../suite/index.ts';
import { RawClient } from '../../support/raw-client.ts';
import { deafen } from '../../support/vandals.ts';
import { frame, webSocketVandals } from './web-socket-vandals.ts';

const TEXT = 1;
const text = (packet: string): Buffer => frame(TEXT, Buffer.from(packet));
const PATH = '/socket.io/?EIO=4';

/** Those of socket.io over WebSockets: `40` joins the namespace, `42` is an event. */
export const socketIoVandals: Vandals = webSocketVandals(
  `${PATH}&transport=websocket`,
  text('40'),
  // Many at once: a write for each would leave the test's own clients no time.
  Buffer.concat(Array.from({ length: 256 }, () => text('42["join","flood"]'))),
);

/** Those of long polling: they never poll again. */
export const pollingVandals: Vandals = {
  deaf: async (port) => deafen((await shaken(port)).socket),
  flood: (port) => http1.vandals.flood(port),
  async garbage(port) {
    const { socket, client, path } = await shaken(port);
    const body = 'zz\u001e'.repeat(100);
    client.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await client.answer();
    return socket;
  },
};

async function shaken(port: number): Promise<{ socket: Socket; client: RawClient; path: string }> {
  const client = await RawClient.open(port);
  const polling = `${PATH}&transport=polling`;
  client.get(polling);
  const body = (await client.answer())?.body.toString() ?? '';
  const { sid } = JSON.parse(body.slice(1)) as { sid: string };
  return { socket: client.socket, client, path: `${polling}&sid=${sid}` };
}
