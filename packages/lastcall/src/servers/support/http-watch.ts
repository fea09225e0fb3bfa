import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';
import { isArriving } from '../../moving/http-arrival.ts';
import { connectionOf, holdConnection } from './connection.ts';
import type { HttpDrain } from './http-drain.ts';

/** Tells `drain` of each connection of a server, secure or not, and of each answer that went with one. */
export function watchConnections(
  server: Server,
  drain: HttpDrain,
  onResponseClose: (this: ServerResponse) => void,
): void {
  const open = (socket: Socket): void => {
    const connection = drain.open(socket);
    holdConnection(socket, connection);
    // Not every node:http tells the answers queued behind another that their client has gone.
    socket.once('close', () => {
      for (const response of connection.queued.splice(0)) {
        if (response.closed) continue;
        // Those that node:http does tell must not end twice.
        response.off('close', onResponseClose);
        Reflect.apply(onResponseClose, response, []);
      }
    });
  };
  if (!(server instanceof TlsServer)) {
    server.prependListener('connection', open);
    return;
  }
  server.prependListener('connection', (socket: Socket) => drain.handshake(socket));
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') drain.shaken(socket);
    else open(socket);
  });
}

/** Node's own answer to what cannot be parsed would be wrong: it would go into another answer. */
export function isLeftAlone(drain: HttpDrain, socket: Socket): boolean {
  if (isArriving(socket)) return socket.destroy() !== undefined;
  return drain.stopping && isAnswering(socket);
}

/** Bytes that cannot be parsed must not cut the answer that is being written. */
const isAnswering = (socket: Socket): boolean =>
  (connectionOf(socket)?.pending ?? 0) > 0 || socket.writableEnded;
