import type { Socket } from 'node:net';

/**
 * Cuts a connection. One whose end is on its way cannot be reset: node:net fails with EINVAL and
 * never closes its handle, and the process spins at its exit for ever.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
