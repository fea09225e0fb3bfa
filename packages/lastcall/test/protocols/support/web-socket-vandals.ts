import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Vandals } from '../../suite/index.ts';
import { deafen, pour } from '../../support/vandals.ts';

/** A frame of a client, masked with zeros. `opcode`: 1 text, 2 binary. At most 64 KiB. */
export function frame(opcode: number, payload: Buffer): Buffer {
  const long = payload.length > 125;
  const head = [0x80 | opcode, 0x80 | (long ? 126 : payload.length)];
  if (long) head.push(payload.length >> 8, payload.length & 0xff);
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

/** Upgrades by hand, and then answers nothing. */
export async function upgrade(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(socket, 'data');
  return socket;
}

/** Those of WebSockets on `path`: the `first` frame of each, and the frames of a flood. */
export function webSocketVandals(path: string, first: Buffer, flood: Buffer): Vandals {
  const open = async (port: number): Promise<Socket> => {
    const socket = await upgrade(port, path);
    socket.write(first);
    return socket;
  };
  return {
    deaf: async (port) => deafen(await open(port)),
    flood: async (port) => pour(await open(port), flood),
    async garbage(port) {
      const socket = (await open(port)).resume();
      socket.write(Buffer.alloc(4_096, 0xff));
      return socket;
    },
  };
}
