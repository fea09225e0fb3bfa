import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Answer, SHUTTING_DOWN } from '../../endpoints/answers.ts';
import type { Endpoints } from '../../endpoints/endpoints.ts';
import type { Refusal } from '../../ledger/ledger.ts';
import { lingeringClose } from './lingering-close.ts';

const REFUSAL_BODY = JSON.stringify({ detail: SHUTTING_DOWN });

/** Answers a call of the contract's endpoints. */
export async function answerCall(
  endpoints: Endpoints,
  route: NonNullable<ReturnType<Endpoints['match']>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume();
  const answer = await endpoints.answer(route, {
    method: request.method ?? 'GET',
    headers: request.headers,
    remoteAddress: request.socket.remoteAddress,
  });
  if (!response.destroyed) write(response, answer);
}

/** Tells a client that its work was not taken, and that it may come back. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return;
  response.req.resume();
  response.writeHead(503, {
    'content-type': 'application/json',
    'content-length': REFUSAL_BODY.length,
    'retry-after': retryAfter(refusal.retryAfterMs),
  });
  response.end(REFUSAL_BODY);
}

/** Refuses a protocol upgrade on its bare socket, which node:http does not watch any more. */
export function refuseUpgrade(socket: Socket, refusal: Refusal): void {
  socket.on('error', () => {});
  socket.write(
    'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: application/json\r\n' +
      `Content-Length: ${REFUSAL_BODY.length}\r\nRetry-After: ${retryAfter(refusal.retryAfterMs)}\r\n\r\n${REFUSAL_BODY}`,
  );
  lingeringClose(socket);
}

/**
 * Ends an answer whose handler did not: with 503 when no head was sent, else by closing in order
 * without the end that would make a cut body look whole. What the handler writes later goes nowhere.
 */
export function silence(response: ServerResponse, retryAfterMs: number): void {
  response.on('error', () => {});
  if (response.headersSent) {
    response.req.resume();
    lingeringClose(response.req.socket);
  } else {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    refuse(response, { admitted: false, state: 'cancelling', retryAfterMs });
  }
  const nothing = (): ServerResponse => response;
  Object.assign(response, {
    writeHead: nothing,
    setHeader: nothing,
    appendHeader: nothing,
    flushHeaders: nothing,
    end: nothing,
    write: () => false,
  });
}

function write(response: ServerResponse, { status, body, headers }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

const retryAfter = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1_000)));
