import type { Socket } from 'node:net';

/** How long a peer that was sent everything may go on sending before its connection is cut. */
const DISCARD_MS = 2_000;

/**
 * Closes a connection so that the peer can read its last bytes: flush, half-close, then read and
 * discard until the peer closes. Closing with unread bytes would make the kernel reset the
 * connection and could destroy an answer that the peer has not read (RFC 9112 section 9.6).
 */
export function lingeringClose(socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) return;
  let timer: NodeJS.Timeout | undefined;
  socket.once('finish', () => {
    timer = setTimeout(() => socket.destroy(), DISCARD_MS);
  });
  socket.once('close', () => clearTimeout(timer));
  // After the peer's end there is nothing more to wait for; an error has closed it already.
  socket.once('end', () => socket.destroySoon());
  socket.on('error', () => {});
  socket.end();
  socket.resume();
}
