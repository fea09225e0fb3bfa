import {
  constants,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { SHUTTING_DOWN } from '../../endpoints/answers.ts';
import type { Endpoints } from '../../endpoints/endpoints.ts';
import type { Outcome } from '../../ledger/outcome.ts';

const REFUSAL_BODY = JSON.stringify({ detail: SHUTTING_DOWN });

/** Answers a call of the contract's endpoints. */
export async function answerStream(
  endpoints: Endpoints,
  route: NonNullable<ReturnType<Endpoints['match']>>,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  stream.resume();
  const method = headers[':method'] ?? 'GET';
  const {
    status,
    body,
    headers: more,
  } = await endpoints.answer(route, {
    method,
    // The authority is what HTTP/1.1 calls Host (RFC 9113 section 8.3.1).
    headers: { ...headers, host: headers.host ?? headers[':authority'] },
    remoteAddress: stream.session?.socket.remoteAddress,
  });
  if (stream.destroyed || stream.closed) return;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  stream.respond({
    ':status': status,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...more,
  });
  stream.end(method === 'HEAD' ? undefined : text);
}

/** Tells a client that its work was not taken, and that it may come back. */
export function refuseStream(stream: ServerHttp2Stream, retryAfterMs: number): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  stream.resume();
  stream.respond({
    ':status': 503,
    'content-type': 'application/json',
    'content-length': REFUSAL_BODY.length,
    'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))),
  });
  stream.end(REFUSAL_BODY);
}

/**
 * Ends a stream whose handler did not: with 503 when no head was sent, else by a reset, so that a
 * cut body does not look whole. What the handler writes later goes nowhere.
 */
export function silenceStream(
  stream: ServerHttp2Stream,
  response: Http2ServerResponse | undefined,
  retryAfterMs: number,
): void {
  if (stream.headersSent) stream.close(constants.NGHTTP2_CANCEL);
  else refuseStream(stream, retryAfterMs);
  const nothing = { respond: () => {}, additionalHeaders: () => {}, end: () => stream };
  Object.assign(stream, nothing, { write: () => false });
  if (!response) return;
  const same = (): Http2ServerResponse => response;
  Object.assign(response, { writeHead: same, setHeader: same, flushHeaders: same, end: same });
  Object.assign(response, { write: () => false });
}

/** How the work of a closed stream ended. */
export function outcomeOf(stream: ServerHttp2Stream): Outcome {
  const whole = stream.rstCode === constants.NGHTTP2_NO_ERROR && stream.writableFinished;
  if (!whole || !stream.headersSent) return 'cancelled';
  return Number(stream.sentHeaders[':status']) >= 500 ? 'failed' : 'completed';
}
