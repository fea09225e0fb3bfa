// The test service of every Node peer: a plain request listener with the routes that the drill uses.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/** Where a peer has a signal of cancellation or a readiness of its own, it gives them here. */
export interface Given {
  readonly leaseOf?: (
    request: IncomingMessage,
  ) => { kind: string; signal: AbortSignal } | undefined;
  readonly isReady?: () => boolean;
  /** In place of the event stream that is written by hand. */
  readonly stream?: Handler;
}

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => void;

/** In one piece, as most services send: what the client has not read yet is in the server's memory. */
function large(_: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
  const body = Buffer.alloc(Number(query.get('bytes') ?? 1_000_000), 'x');
  response.writeHead(200, { 'content-length': body.length });
  response.end(body);
}

function upload(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => {
    response.end(JSON.stringify({ bytes, trailers: Object.keys(request.trailers).length }));
  });
}

/** The service; `request.url` is the only thing it needs, so it works below any framework. */
export function app(given: Given = {}): RequestListener {
  const stream: Handler = (request, response, query) => {
    const lease = given.leaseOf?.(request);
    if (lease !== undefined) lease.kind = 'stream';
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    const end = (event: string): void => {
      clearInterval(ticks);
      clearTimeout(timer);
      response.end(`event: ${event}\ndata: {}\n\n`);
    };
    const ticks = setInterval(() => response.write('data: {"text":"tick"}\n\n'), 20);
    const timer = setTimeout(end, Number(query.get('ms') ?? 500), 'completed');
    lease?.signal.addEventListener('abort', () => {
      end('expired');
    });
    response.on('close', () => {
      clearInterval(ticks);
      clearTimeout(timer);
    });
  };

  const hang: Handler = (request, response) => {
    given.leaseOf?.(request)?.signal.addEventListener('abort', () => {
      if (process.env['IGNORE_ABORT'] !== undefined) return;
      response.writeHead(503, { 'retry-after': '1', connection: 'close' });
      response.end('cancelled\n');
    });
  };

  const routes: Readonly<Record<string, Handler>> = {
    '/fast': (_, response) => response.end('fast\n'),
    '/slow': (_, response, query) => {
      setTimeout(() => response.end('slow\n'), Number(query.get('ms') ?? 300));
    },
    '/ready': (_, response) => {
      response.statusCode = given.isReady?.() === false ? 503 : 200;
      response.end('{}');
    },
    '/health': (_, response) => response.end('{}'),
    '/upload': upload,
    '/large': large,
    '/stream': given.stream ?? stream,
    '/hang': hang,
    '/trailers': (_, response, query) => {
      response.writeHead(200, { trailer: 'x-checksum' });
      response.write('part one\n');
      setTimeout(
        () => {
          response.addTrailers({ 'x-checksum': 'ok' });
          response.end('part two\n');
        },
        Number(query.get('ms') ?? 300),
      );
    },
  };

  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const handler = routes[url.pathname];
    if (handler === undefined) {
      response.statusCode = 404;
      response.end('not found\n');
    } else handler(request, response, url.searchParams);
  };
}
