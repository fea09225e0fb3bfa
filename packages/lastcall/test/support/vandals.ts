import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';

/** Writes `chunk` without a pause, for as long as the connection takes it, and reads to nowhere. */
export function pour(socket: Socket, chunk: Buffer | (() => Buffer)): Socket {
  socket.removeAllListeners('data');
  socket.on('error', () => {}).resume();
  const more = (): void => {
    // In turns: a peer that reads as fast as this writes would leave the test no time of its own.
    for (let count = 0; socket.writable && count < 64; count += 1)
      if (!socket.write(typeof chunk === 'function' ? chunk() : chunk)) {
        socket.once('drain', more);
        return;
      }
    if (socket.writable) setImmediate(more);
  };
  more();
  return socket;
}

/** Writes what no protocol knows. */
export function scribble(socket: Socket): Socket {
  socket.on('error', () => {}).resume();
  // Its first byte is no WebSocket frame, no letter, and too long a frame of HTTP/2.
  socket.write(Buffer.concat([Buffer.alloc(64, 0xff), randomBytes(64 * 1024)]));
  return socket;
}

/** Reads nothing more, and keeps its side open when the other one has ended. */
export function deafen(socket: Socket): Socket {
  socket.allowHalfOpen = true;
  return socket.on('error', () => {}).pause();
}
