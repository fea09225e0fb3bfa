import type { Vandals } from '../../suite/index.ts';
import { deafen, pour, scribble } from '../../support/vandals.ts';
import { RawHttp2, SETTINGS, WINDOW_UPDATE } from './raw-http2.ts';

const MOST = 2 ** 31 - 1;
const FIRST_WINDOW = 65_535;
const STREAMS = 32;

/** Those of HTTP/2 over cleartext, or over TLS. */
export const http2Vandals = (tls: boolean): Vandals => ({
  deaf: async (port) => deafen((await shaken(port, tls)).socket),
  garbage: async (port) => scribble((await shaken(port, tls)).socket),
  async flood(port) {
    const client = await shaken(port, tls);
    // It takes all that the server has to say.
    const window = Buffer.alloc(4);
    window.writeUInt32BE(MOST - FIRST_WINDOW);
    client.write(WINDOW_UPDATE, 0, 0, window);
    let next = 1;
    return pour(client.socket, () => {
      const frames: Buffer[] = [];
      for (let i = 0; i < STREAMS; i += 1, next += 2) frames.push(RawHttp2.request(next, '/'));
      return Buffer.concat(frames);
    });
  },
});

async function shaken(port: number, tls: boolean): Promise<RawHttp2> {
  const client = await RawHttp2.open(port, tls);
  await client.until(() => client.has(SETTINGS, 0));
  return client;
}
