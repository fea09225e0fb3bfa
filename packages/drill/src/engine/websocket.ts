// A WebSocket client that notes messages and how the socket was closed.
import { WebSocket } from 'ws';
import type { Context } from './context.ts';

export interface SocketClient {
  readonly socket: WebSocket;
  readonly messages: string[];
  /** Resolves with the close code: 1006 when no close frame came (RFC 6455 7.1.5). */
  readonly closed: Promise<{ code: number; reason: string }>;
}

export function openSocket(ctx: Context): Promise<SocketClient> {
  const { path } = ctx.route('websocket');
  const socket = new WebSocket(`ws://${ctx.config.host}:${ctx.port('http')}${path}`);
  const messages: string[] = [];
  ctx.cleanup(() => {
    socket.terminate();
  });
  socket.on('message', (data: Buffer) => {
    messages.push(data.toString('utf8'));
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString('utf8') });
    });
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined); // 'close' says how it ended
      resolve({ socket, messages, closed });
    });
  });
}
