import { EventEmitter } from 'node:events';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

export type Emit = (event: string, ...args: unknown[]) => boolean;
export type Dispatch = (
  event: string,
  request: IncomingMessage,
  response: ServerResponse,
) => boolean;

/**
 * Hands a request to the listeners of a server, as its `emit` would. One listener, which is what
 * nearly every server has, is called directly: the way through EventEmitter costs a fast handler
 * more than all else that is done for its request. Not where somebody else looks into `emit`.
 */
export function dispatcher(server: Server, emit: Emit): Dispatch {
  if (!isPlain(server, emit))
    return (event, request, response) => emit.call(server, event, request, response);
  let only: RequestListener | undefined;
  const look = (): void => {
    // Raw: one that was added with `once` takes itself away when it is called.
    const listeners = server.rawListeners('request') as RequestListener[];
    only = listeners.length === 1 ? listeners[0] : undefined;
  };
  server.on('newListener', (event) => {
    if (event !== 'request') return;
    only = undefined;
    // It is said before it is done.
    queueMicrotask(look);
  });
  server.on('removeListener', (event) => {
    if (event === 'request') look();
  });
  look();
  return (event, request, response) => {
    if (!only || event !== 'request') return emit.call(server, event, request, response);
    only.call(server, request, response);
    return true;
  };
}

/** Nobody has wrapped `emit` (tracers do), no domain is entered and no rejection is caught by it. */
function isPlain(server: Server, emit: Emit): boolean {
  const captures = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'kCapture',
  );
  return (
    emit === EventEmitter.prototype.emit &&
    captures !== undefined &&
    Reflect.get(server, captures) === false &&
    !Reflect.get(server, 'domain')
  );
}
