import type { Context } from '../engine/context.ts';
import { type SocketClient, openSocket } from '../engine/websocket.ts';
import { settle } from './support.ts';

/** Open sockets, once what the server says by itself at the beginning has come. */
export async function openSockets(ctx: Context, count: number): Promise<SocketClient[]> {
  const clients: SocketClient[] = [];
  while (clients.length < count) {
    const wave = Math.min(64, count - clients.length);
    const opening = Promise.all(Array.from({ length: wave }, () => openSocket(ctx)));
    clients.push(...(await opening.catch((error: Error) => notBefore(ctx, error.message))));
  }
  await settle(ctx);
  if (clients.some(({ socket }) => socket.readyState !== socket.OPEN)) {
    notBefore(ctx, 'the server closes its sockets');
  }
  return clients;
}

export async function openOne(ctx: Context): Promise<SocketClient> {
  const [client] = await openSockets(ctx, 1);
  return client ?? notBefore(ctx, 'no socket');
}

const notBefore = (ctx: Context, what: string): never =>
  ctx.notApplicable(`already before the stop: ${what}`);

/** A request for a WebSocket, byte by byte in the drill's hands. */
export const upgradeHeaders = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'ZHJpbGxkcmlsbGRyaWxsZA==',
} as const;
