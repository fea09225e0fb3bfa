import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Envelope, Stays } from './wire.ts';
import { compressionOf } from './ws-carrier.ts';

const NOTHING = Buffer.alloc(0);

/** Why this server cannot go on with a WebSocket. */
export function wsRefusal(wss: WebSocketServer, { request, extra }: Envelope): Stays | undefined {
  const { compression } = extra;
  if (compression !== null && compression !== compressionOf(wss)) return 'compression';
  return wss.shouldHandle(request as unknown as IncomingMessage) === false ? 'server' : undefined;
}

/**
 * Makes a WebSocket of this server over a connection that another worker has upgraded: ws agrees
 * upon the same as there, and what it would answer is not sent. `undefined`: ws would not have it.
 */
export function resumeWebSocket(
  wss: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  { extra }: Envelope,
): WebSocket | undefined {
  const { options } = wss;
  const { verifyClient, handleProtocols, perMessageDeflate } = options;
  // The client was let in by the other worker, and told what was agreed upon.
  const settled = {
    verifyClient: undefined,
    handleProtocols: () => (extra.protocol as string) || false,
    perMessageDeflate: extra.compression === null ? false : perMessageDeflate,
  };
  Object.assign(socket, { write: () => true, end: () => socket.destroy() });
  let resumed: WebSocket | undefined;
  try {
    Object.assign(options, settled);
    wss.handleUpgrade(request, socket, NOTHING, (ws) => {
      resumed = ws;
    });
  } finally {
    Object.assign(options, { verifyClient, handleProtocols, perMessageDeflate });
    Reflect.deleteProperty(socket, 'write');
    Reflect.deleteProperty(socket, 'end');
  }
  if (!resumed) socket.destroy();
  return resumed;
}
