import type { Socket } from 'node:net';

const HALF = Symbol('lastcall.half-a-head');
/** `kOnMessageBegin` of node:http's parser, which calls it with the first byte of a message. */
const ON_MESSAGE_BEGIN = 0;

interface Watched extends Socket {
  parser?: { socket: Watched | null; [ON_MESSAGE_BEGIN]?: unknown } | null;
  [HALF]?: boolean;
}

/** A request has been read whole up to its body; from here on the beginning of another is noticed. */
export function headWasRead(socket: Socket): void {
  const watched = socket as Watched;
  watched[HALF] = false;
  if (watched.parser) watched.parser[ON_MESSAGE_BEGIN] = begin;
}

/** Part of a further request is in the parser of this process, where nothing can take it out. */
export const hasHalfAHead = (socket: Socket): boolean => (socket as Watched)[HALF] !== false;

function begin(this: NonNullable<Watched['parser']>): void {
  if (this.socket) this.socket[HALF] = true;
}
