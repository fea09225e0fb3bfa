import type { FastifyInstance, RawServerBase } from 'fastify';
import { LastcallError } from '../errors.ts';
import type { Lease } from '../ledger/lease.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { attachHttp, type HttpOptions, isAttached, leaseOf } from './http.ts';
import { expectHttp1 } from './support/expect-http1.ts';
import { closeWithLifecycle } from './support/own-close.ts';
import type { Server } from 'node:http';

declare module 'fastify' {
  interface FastifyRequest {
    /** The work that this request is; undefined for requests that are no work. */
    readonly lease: Lease | undefined;
  }
}

/**
 * Puts a lifecycle into a Fastify 5 application (HTTP/1.1). Call it right after `fastify()`. Handlers
 * find their lease as `request.lease`. The application's own `close` becomes a graceful stop of the
 * lifecycle; its onClose hooks run among the close hooks, when every connection has ended.
 * Throws `ERR_LASTCALL_FRAMEWORK` for another version, `ERR_LASTCALL_LISTENING` when the application
 * has started or was closed, and what `attachHttp` throws.
 */
export function attachFastify<S extends RawServerBase>(
  lifecycle: Lifecycle,
  app: FastifyInstance<S>,
  options: HttpOptions = {},
): FastifyInstance<S> {
  expectFastify(app?.version);
  const server = app.server as unknown as Server;
  expectHttp1(server, 'attachFastify');
  // Says what is wrong with a server that cannot be attached before the application is touched.
  if (!isAttached(server)) decorate(app);
  attachHttp(lifecycle, server, options);
  app.addHook('onListen', (done) => {
    attachSecondaries(lifecycle, app, options);
    done();
  });
  closeWithLifecycle(lifecycle, 'fastify', app);
  return app;
}

function expectFastify(version: unknown): void {
  if (String(version).startsWith('5.')) return;
  throw new LastcallError(
    'ERR_LASTCALL_FRAMEWORK',
    `attachFastify: expected an application of Fastify 5, got version ${String(version)}. Install fastify@5.`,
    { expected: '5', got: version },
  );
}

function decorate<S extends RawServerBase>(app: FastifyInstance<S>): void {
  try {
    app.decorateRequest('lease', {
      getter() {
        return leaseOf(this.raw);
      },
    });
  } catch (cause) {
    throw new LastcallError(
      'ERR_LASTCALL_LISTENING',
      'attachFastify: this application has started, or was closed. Attach it right after fastify().',
      {},
      { cause },
    );
  }
}

/**
 * For the host `localhost` Fastify opens one server more for each further address (::1). They began
 * to listen in this very turn, so they have had no connection yet.
 */
function attachSecondaries<S extends RawServerBase>(
  lifecycle: Lifecycle,
  app: FastifyInstance<S>,
  options: HttpOptions,
): void {
  const key = Object.getOwnPropertySymbols(app).find(
    ({ description }) => description === 'fastify.serverBindings',
  );
  const servers = key ? (Reflect.get(app, key) as Server[]) : [];
  for (const server of servers) {
    Object.defineProperty(server, 'listening', { value: false, configurable: true });
    attachHttp(lifecycle, server, options);
    Reflect.deleteProperty(server, 'listening');
  }
}
