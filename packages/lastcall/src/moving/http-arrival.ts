import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Lease } from '../ledger/lease.ts';
import { socketOver } from './native.ts';
import type { Arrival } from './registry.ts';
import type { Envelope, Handle } from './wire.ts';

const ARRIVAL = Symbol('lastcall.arrival');
/** What was read with the request, or is settled by now, is not said again. */
const SAID: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'expect']);

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
export function inject(server: Server, handle: Handle, arrival: Arrival): void {
  const socket: Arriving = socketOver(handle);
  socket[ARRIVAL] = arrival;
  server.emit('connection', socket);
  socket.emit('data', headOf(arrival.envelope));
  // It was not understood, so nobody here can answer it.
  if (isArriving(socket)) socket.destroy();
}

function headOf({ carrier, request }: Envelope): Buffer {
  const { method, url, httpVersion, rawHeaders } = request;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    // An answer that did not upgrade is none that could do so now.
    if (SAID.has(name) || (name === 'upgrade' && carrier === 'http')) continue;
    text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, 'latin1');
}

/** Lets the application go on with an answer whose head another worker has sent. */
export function resumeAnswer(
  arrival: Arrival,
  request: IncomingMessage,
  response: ServerResponse,
  lease: Lease,
): void {
  const { status, message, headers } = arrival.envelope.answer!;
  // node:http learns from the head how the body is framed; it has been sent.
  response.writeHead(status, message, headers);
  Object.assign(response, { _headerSent: true });
  resumed.add(response);
  request.resume();
  resume(arrival, request, { response, lease }, () => response.destroy());
}

/** Lets the application go on with the connection of an upgrade. */
export function resumeUpgrade(arrival: Arrival, request: IncomingMessage, socket: Duplex): void {
  resume(arrival, request, { socket }, () => socket.destroy());
}

function resume(
  arrival: Arrival,
  request: IncomingMessage,
  what: Parameters<Arrival['registration']['resume']>[2],
  cut: () => void,
): void {
  const fail = (error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(
      `A moved ${arrival.envelope.kind} stream failed: ${why}`,
      'LastcallWarning',
    );
    cut();
  };
  try {
    Promise.resolve(arrival.registration.resume(arrival, request, what)).catch(fail);
  } catch (error) {
    fail(error);
  }
}
