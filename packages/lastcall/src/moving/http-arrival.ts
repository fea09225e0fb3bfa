import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Lease } from '../ledger/lease.ts';
import { socketOver } from './native.ts';
import type { Envelope, Handle, Head } from './wire.ts';

const ARRIVAL = Symbol('lastcall.arrival');
/** What was read with the request, or is settled by now, is not said again. */
const SAID: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'expect',
  'upgrade',
]);

export interface Arrival {
  readonly envelope: Envelope;
  readonly resume: (arrived: {
    request: IncomingMessage;
    response: ServerResponse;
    lease: Lease;
  }) => unknown;
}

interface Arriving extends Socket {
  [ARRIVAL]?: Arrival | undefined;
}

/** The stream that comes with this connection; it is asked for once, with the connection's first request. */
export function takeArrival(socket: Socket): Arrival | undefined {
  const arrival = (socket as Arriving)[ARRIVAL];
  if (arrival) (socket as Arriving)[ARRIVAL] = undefined;
  return arrival;
}

const resumed = new WeakSet<object>();

/** Another worker has begun this answer, and sent its head. */
export const isResumed = (response: object): boolean => resumed.has(response);

/** The connection comes from another worker, and its first request has not been read. */
export const isArriving = (socket: Socket): boolean => (socket as Arriving)[ARRIVAL] !== undefined;

/**
 * Makes a connection of another worker one of this server's: the request, read there, is read here
 * once more, so that node:http itself holds answer and connection as if they had begun here.
 */
export function injectHttp(server: Server, handle: Handle, arrival: Arrival): void {
  const socket: Arriving = socketOver(handle);
  socket[ARRIVAL] = arrival;
  server.emit('connection', socket);
  socket.emit('data', headOf(arrival.envelope.request));
  // It was not understood, so nobody here can answer it.
  if (isArriving(socket)) socket.destroy();
}

function headOf({ method, url, httpVersion, rawHeaders }: Head): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    if (!SAID.has(rawHeaders[i]!.toLowerCase()))
      text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.from(`${text}\r\n`, 'latin1');
}

/** Lets the application go on with an answer whose head another worker has sent. */
export function resumeAnswer(
  { envelope, resume }: Arrival,
  request: IncomingMessage,
  response: ServerResponse,
  lease: Lease,
): void {
  const { status, message, headers } = envelope.answer!;
  // node:http learns from the head how the body is framed; it has been sent.
  response.writeHead(status, message, headers);
  Object.assign(response, { _headerSent: true });
  resumed.add(response);
  request.resume();
  const fail = (error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(`A moved ${envelope.kind} stream failed: ${why}`, 'LastcallWarning');
    response.destroy();
  };
  try {
    Promise.resolve(resume({ request, response, lease })).catch(fail);
  } catch (error) {
    fail(error);
  }
}
