import type { FastifyInstance, RawServerBase } from 'fastify';
import type { Lease } from '../ledger/lease.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { attachHttp, leaseOf } from './http.ts';
import type { Server } from 'node:http';

declare module 'fastify' {
  interface FastifyRequest {
    /** The work that this request is; undefined for requests that are no work. */
    readonly lease: Lease | undefined;
  }
}

/**
 * Puts a lifecycle into a Fastify 5 application (HTTP/1.1). Call it before `listen`. The
 * application's own `close`, with its onClose hooks, runs among the close hooks of the lifecycle,
 * when every connection has ended. Throws what `attachHttp` throws.
 */
export function attachFastify<S extends RawServerBase>(
  lifecycle: Lifecycle,
  app: FastifyInstance<S>,
): FastifyInstance<S> {
  attachHttp(lifecycle, app.server as unknown as Server);
  app.decorateRequest('lease', {
    getter() {
      return leaseOf(this.raw);
    },
  });
  lifecycle.onClose('fastify', () => app.close());
  return app;
}
