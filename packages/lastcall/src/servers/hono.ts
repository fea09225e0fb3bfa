import type { Server } from 'node:http';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { LastcallError } from '../errors.ts';
import type { Lease } from '../ledger/lease.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { attachHttp, type HttpOptions, leaseOf } from './http.ts';
import { expectHttp1 } from './support/expect-http1.ts';

/** What handlers find in `c.env`: `new Hono<{ Bindings: LeaseBindings }>()`. */
export interface LeaseBindings extends HttpBindings {
  /** The work that this request is; undefined for requests that are no work. */
  lease: Lease | undefined;
}

type AdaptorOptions = Omit<Parameters<typeof createAdaptorServer>[0], 'fetch' | 'port'>;

/** The options of `createAdaptorServer` (createServer, serverOptions, hostname) and of `attachHttp`. */
export type HonoOptions = AdaptorOptions & HttpOptions;

interface HonoApp {
  fetch(request: Request, env: LeaseBindings): Response | Promise<Response>;
}

/**
 * Serves a Hono 4 application with @hono/node-server under a lifecycle, and returns the server,
 * which is then to listen. Handlers find their lease as `c.env.lease`. An error that a handler
 * throws because its signal aborted is answered with 503 and `Retry-After`, unless the application
 * has its own `onError`.
 * Throws `ERR_LASTCALL_FRAMEWORK` for what has no `fetch` and for an older Hono, and what `attachHttp` throws (for one, for
 * an http2 server).
 */
export function attachHono(lifecycle: Lifecycle, app: HonoApp, options: HonoOptions = {}): Server {
  expectHono(app);
  const { admin, currentLease, ...adaptor } = options;
  const server = createAdaptorServer({
    ...adaptor,
    fetch: (request, env) => {
      const bindings = env as unknown as LeaseBindings;
      bindings.lease = leaseOf(bindings.incoming);
      return app.fetch(request, bindings);
    },
  } as Parameters<typeof createAdaptorServer>[0]) as Server;
  expectHttp1(server, 'attachHono');
  return attachHttp(lifecycle, server, {
    ...(admin === undefined ? {} : { admin }),
    ...(currentLease === undefined ? {} : { currentLease }),
  });
}

function expectHono(app: HonoApp): void {
  // Hono 4 took away what prints the routes.
  const isOld = typeof app === 'object' && app !== null && 'showRoutes' in app;
  if (typeof app?.fetch === 'function' && !isOld) return;
  const got = isOld ? 'an older Hono' : typeof app;
  throw new LastcallError(
    'ERR_LASTCALL_FRAMEWORK',
    `attachHono: expected an application of Hono 4, got ${got}. Install hono@4 and pass what new Hono() returned.`,
    { expected: '4', got },
  );
}
