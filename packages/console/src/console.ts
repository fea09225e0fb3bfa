import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Feed } from './feed.ts';
import type { Action, Source } from './source.ts';

const SCRIPTS = ['page', 'curve', 'keep', 'lanes', 'stops', 'text', 'work'];
const FILES: Record<string, [file: string, type: string]> = {
  '/': ['page.html', 'text/html; charset=utf-8'],
  '/console': ['page.html', 'text/html; charset=utf-8'],
  '/console/page.css': ['page.css', 'text/css; charset=utf-8'],
  ...Object.fromEntries(
    SCRIPTS.map((name) => [
      `/console/${name}.js`,
      [`${name}.js`, 'text/javascript; charset=utf-8'],
    ]),
  ),
};

/** Nothing from outside, no frames, no inline code. */
const GUARDS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const ACTIONS = new Set<string>(['drain', 'resume', 'reload', 'scale']);
const BODY_MAX = 1_024;

/** The live page of a node, for an HTTP server of the node to call. */
export class Console {
  readonly #source: Source;
  readonly #feed: Feed;
  /** Read at the start: a new release may have replaced or removed them when they are asked for. */
  readonly #files = new Map(
    Object.entries(FILES).map(([path, [name, type]]) => [
      path,
      { type, body: readFileSync(new URL(`../assets/${name}`, import.meta.url)) },
    ]),
  );

  constructor(source: Source) {
    this.#source = source;
    this.#feed = new Feed(source);
  }

  /** Answers a request for the console; false when it is for something else. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const file = this.#files.get(path);
    if (file) this.#page(request, response, file);
    else if (path === '/console/feed') this.#watch(request, response);
    else if (path === '/console/act') void this.#act(request, response);
    else return false;
    return true;
  }

  close(): void {
    this.#feed.close();
  }

  #page(
    { method }: IncomingMessage,
    response: ServerResponse,
    { type, body }: { type: string; body: Buffer },
  ): void {
    if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'GET');
    response.writeHead(200, { ...GUARDS, 'content-type': type });
    response.end(method === 'HEAD' ? undefined : body);
  }

  #watch(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET') return refuse(response, 405, 'GET');
    const seen = request.headers['last-event-id'];
    const lastEventId = Array.isArray(seen) ? seen[0] : seen;
    // Behind a feed on the same connection, which never ends, it would wait for ever, and its end never be told.
    const waits = response.socket === null;
    if (waits || this.#feed.isFull)
      return answer(response, 503, 'As many viewers watch as are served. Try again later.');
    response.writeHead(200, { ...GUARDS, 'content-type': 'text/event-stream' });
    this.#feed.add(response, lastEventId, this.#source.isOperator(request));
  }

  async #act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return refuse(response, 405, 'POST');
    // Another site's form can send neither this type nor this header without being asked first.
    const isOwn =
      request.headers['content-type'] === 'application/json' &&
      request.headers['x-lastcall-console'] === '1';
    if (!isOwn || !this.#source.isOperator(request))
      return answer(response, 403, 'Only an operator may do this.');
    try {
      const asked = JSON.parse(await bodyOf(request)) as Record<string, unknown> | null;
      const { action, workers } = asked ?? {};
      if (typeof action !== 'string' || !ACTIONS.has(action))
        return answer(response, 400, `action: expected one of ${[...ACTIONS].join(', ')}.`);
      const count = typeof workers === 'number' ? workers : undefined;
      answer(response, 200, await this.#source.act(action as Action, count));
    } catch (error) {
      answer(response, 409, (error as Error).message);
    }
  }
}

function answer(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { ...GUARDS, 'content-type': 'application/json' });
  response.end(JSON.stringify({ message }));
}

function refuse(response: ServerResponse, status: number, allow: string): void {
  response.writeHead(status, { ...GUARDS, allow }).end();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > BODY_MAX) throw new Error('The body is too long.');
  }
  return text;
}
