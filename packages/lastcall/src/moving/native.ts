import { Socket, type SocketConstructorOpts } from 'node:net';
import type { Handle } from './wire.ts';

/** The bare connection under a socket; a message takes it to another process without reading from it. */
export function handleOf(socket: Socket): Handle | undefined {
  const handle = Reflect.get(socket, '_handle') as Partial<Handle> | null | undefined;
  return typeof handle?.readStop === 'function' ? (handle as Handle) : undefined;
}

/** A socket over a connection that another process has had; it begins to read in the next turn. */
export function socketOver(handle: Handle): Socket {
  const options = { handle, readable: true, writable: true, allowHalfOpen: true };
  return new Socket(options as unknown as SocketConstructorOpts);
}
