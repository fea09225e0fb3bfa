// A WebSocket client that notes messages, what it was promised, and how the socket was closed.
import { WebSocket } from 'ws';
import { Exchange } from './account.ts';
import { authority, connectMs } from './connection.ts';
import type { Context } from './context.ts';

export interface SocketClient {
  readonly socket: WebSocket;
  readonly messages: string[];
  /** Resolves with the close code: 1006 when no close frame came (RFC 6455 7.1.5). */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Sends a task; it is owed a message, whatever that says, before the socket closes. */
  send(task: string): Exchange;
}

export function openSocket(ctx: Context): Promise<SocketClient> {
  const { path } = ctx.route('websocket');
  const at = authority(ctx.config.host, ctx.port('http'));
  const socket = new WebSocket(`ws://${at}${path}`, { handshakeTimeout: connectMs });
  const messages: string[] = [];
  const owed: Exchange[] = [];
  const lane = ctx.timeline.lane(`websocket ${ctx.timeline.lanes.length + 1}`);
  ctx.cleanup(() => {
    socket.terminate();
  });
  socket.on('message', (data: Buffer) => {
    messages.push(data.toString('utf8'));
    owed.shift()?.settle('answered', 'a message came');
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => {
      lane.closeMs = ctx.timeline.at();
      lane.close = code === 1006 ? 'reset' : 'fin';
      for (const task of owed) task.settle('lost', `the socket was closed (${code}) before`);
      resolve({ code, reason: reason.toString('utf8') });
    });
  });
  const send = (task: string): Exchange => {
    const exchange = ctx.account.add(new Exchange('task', task, lane, ctx.timeline));
    if (socket.readyState === WebSocket.OPEN) {
      owed.push(exchange);
      socket.send(task);
    } else exchange.settle('void', 'the server had already closed this socket');
    return exchange;
  };
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined); // 'close' says how it ended
      resolve({ socket, messages, closed, send });
    });
  });
}
