import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type Koa from 'koa';
import { LastcallError } from '../errors.ts';
import type { Lease } from '../ledger/lease.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { attachHttp, type HttpOptions, leaseOf } from './http.ts';

declare module 'koa' {
  interface ExtendableContext {
    /** The work that this request is; undefined for requests that are no work. */
    readonly lease: Lease | undefined;
  }
}

export interface KoaOptions extends HttpOptions {
  /** A server to serve the application on: for https. Default: a new node:http server. */
  server?: Server;
}

/**
 * Puts a lifecycle into a Koa 3 application and returns its server. Middleware finds its lease as
 * `ctx.lease`. `app.listen` listens with that server. An error that middleware throws because its
 * signal aborted is answered with 503 and `Retry-After`.
 * Throws `ERR_LASTCALL_FRAMEWORK` for what is not a Koa 3 application, `ERR_LASTCALL_ATTACHED` when
 * it has a server already and none was given, and what `attachHttp` throws.
 */
export function attachKoa(lifecycle: Lifecycle, app: Koa, options: KoaOptions = {}): Server {
  expectKoa(app);
  const first = !Object.hasOwn(app.context, 'lease');
  if (!first && !options.server)
    throw new LastcallError(
      'ERR_LASTCALL_ATTACHED',
      'attachKoa: this application is attached already. To serve it on a second port, pass { server }.',
    );
  const server = attachHttp(lifecycle, options.server ?? createServer(), options);
  let handle: ReturnType<Koa['callback']> | undefined;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    // Made late: what is used after callback() would not be in it.
    handle ??= app.callback();
    void handle(request, response);
  });
  if (!first) return server;
  Object.defineProperty(app.context, 'lease', {
    configurable: true,
    get(this: Koa.Context) {
      return leaseOf(this.req);
    },
  });
  app.listen = ((...args: Parameters<Server['listen']>) => server.listen(...args)) as Koa['listen'];
  return server;
}

function expectKoa(app: Koa): void {
  const isKoa = typeof app === 'object' && app !== null && 'middleware' in app && 'context' in app;
  // Koa 3 is the first that lets its compose function be chosen.
  if (isKoa && 'compose' in app) return;
  const got = isKoa ? 'an older Koa' : typeof app;
  throw new LastcallError(
    'ERR_LASTCALL_FRAMEWORK',
    `attachKoa: expected an application of Koa 3, got ${got}. Install koa@3 and pass what new Koa() returned.`,
    { expected: '3', got },
  );
}
