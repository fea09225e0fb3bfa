import { createServer, type Server } from 'node:http';
import type { Express, Request } from 'express';
import { LastcallError } from '../errors.ts';
import type { Lease } from '../ledger/lease.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { attachHttp, type HttpOptions, leaseOf } from './http.ts';

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the place where Express's types are extended
  namespace Express {
    interface Request {
      /** The work that this request is; undefined for requests that are no work. */
      readonly lease: Lease | undefined;
    }
  }
}

export interface ExpressOptions extends HttpOptions {
  /** A server that calls the application: for https. Default: a new node:http server. */
  server?: Server;
}

/**
 * Puts a lifecycle into an Express 5 application and returns its server. Handlers find their lease
 * as `req.lease`. `app.listen` listens with that server. An error that a handler passes on because
 * its signal aborted is answered with 503 and `Retry-After`.
 * Throws `ERR_LASTCALL_FRAMEWORK` for what is not an Express 5 application,
 * `ERR_LASTCALL_ATTACHED` when it has a server already and none was given, and what `attachHttp`
 * throws.
 */
export function attachExpress(
  lifecycle: Lifecycle,
  app: Express,
  options: ExpressOptions = {},
): Server {
  expectExpress(app);
  const first = !Object.hasOwn(app.request, 'lease');
  if (!first && !options.server)
    throw new LastcallError(
      'ERR_LASTCALL_ATTACHED',
      'attachExpress: this application is attached already. To serve it on a second port, pass { server }.',
    );
  const server = attachHttp(lifecycle, options.server ?? createServer(app), options);
  if (!first) return server;
  Object.defineProperty(app.request, 'lease', {
    configurable: true,
    get(this: Request) {
      return leaseOf(this);
    },
  });
  app.listen = ((...args: Parameters<Server['listen']>) => {
    const done: unknown = args.at(-1);
    // As in Express 5: an error of listen goes to the callback.
    if (typeof done === 'function') server.once('error', done as (error: Error) => void);
    return server.listen(...args);
  }) as Express['listen'];
  return server;
}

function expectExpress(app: Express): void {
  const isFive =
    typeof app === 'function' && 'request' in app && 'router' in app && !('lazyrouter' in app);
  if (isFive) return;
  const got = typeof app === 'function' && 'lazyrouter' in app ? 'Express 4' : typeof app;
  throw new LastcallError(
    'ERR_LASTCALL_FRAMEWORK',
    `attachExpress: expected an application of Express 5, got ${got}. Install express@5 and pass what express() returned.`,
    { expected: '5', got },
  );
}
