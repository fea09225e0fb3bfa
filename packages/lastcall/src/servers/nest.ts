import type { IncomingMessage, Server } from 'node:http';
import {
  type ArgumentsHost,
  Catch,
  createParamDecorator,
  type DynamicModule,
  type INestApplication,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { LastcallError } from '../errors.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { attachHttp, type HttpOptions, leaseOf } from './http.ts';
import { closeWithLifecycle } from './support/own-close.ts';

/** Injects the lifecycle: `@Inject(LIFECYCLE) lifecycle: Lifecycle`. */
export const LIFECYCLE = Symbol('lastcall.lifecycle');

type NestRequest = IncomingMessage & { raw?: IncomingMessage };

/**
 * A parameter of a handler: the lease of its request, undefined for requests that are no work.
 * Works with the Express and the Fastify platform.
 */
export const WorkLease: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: { switchToHttp: ArgumentsHost['switchToHttp'] }) => {
    const request = context.switchToHttp().getRequest<NestRequest>();
    return leaseOf(request.raw ?? request);
  },
);

/** The module that lets providers inject the lifecycle, everywhere in the application. */
// oxlint-disable-next-line typescript/no-extraneous-class -- Nest knows modules by their class
export class LastcallModule {
  /** For the imports of the root module. */
  static forRoot(lifecycle: Lifecycle): DynamicModule {
    return {
      module: LastcallModule,
      global: true,
      providers: [{ provide: LIFECYCLE, useValue: lifecycle }],
      exports: [LIFECYCLE],
    };
  }
}

/**
 * Puts a lifecycle into a Nest 12 application (Express or Fastify platform) and returns it. Call it
 * right after `NestFactory.create`.
 *
 * Nest's own shutdown hooks (onModuleDestroy, beforeApplicationShutdown, onApplicationShutdown) run
 * among the close hooks of the lifecycle, when no request is left that could need what they close.
 * `app.close()` becomes a graceful stop; `app.enableShutdownHooks()`, called before or after,
 * becomes `lifecycle.handleSignals()`, since Nest's own handlers would close pools at the signal.
 * Throws `ERR_LASTCALL_FRAMEWORK` for what is not an HTTP application of Nest 12, and what `attachHttp`
 * throws.
 */
export function attachNest<A extends INestApplication>(
  lifecycle: Lifecycle,
  app: A,
  options: HttpOptions = {},
): A {
  expectNest(app);
  attachHttp(lifecycle, app.getHttpServer() as Server, options);
  app.useGlobalFilters(new CancelledFilter(app.getHttpAdapter()));
  takeSignals(lifecycle, app);
  // The application is a proxy whose `close` would find the one that replaces it.
  const close = Reflect.get(Object.getPrototypeOf(app) as A, 'close') as () => Promise<void>;
  closeWithLifecycle(lifecycle, 'nest', app, () => Reflect.apply(close, app, []));
  return app;
}

/** Answers 503 with `Retry-After` when a handler throws because its signal aborted. */
class CancelledFilter extends BaseExceptionFilter<LastcallError> {
  override catch(error: LastcallError, host: ArgumentsHost): void {
    const adapter = this.applicationRef ?? this.httpAdapterHost?.httpAdapter;
    const response: unknown = host.switchToHttp().getResponse();
    if (adapter && !adapter.isHeadersSent(response))
      for (const [name, value] of Object.entries(error.headers ?? {}))
        adapter.setHeader(response, name, value);
    // oxlint-disable-next-line promise/no-promise-in-callback, promise/valid-params -- a method of this name, no promise
    super.catch(error, host);
  }
}
Catch(LastcallError)(CancelledFilter);

function takeSignals(lifecycle: Lifecycle, app: INestApplication): void {
  const hooked = app as unknown as {
    shutdownCleanupRefs?: Map<string, unknown>;
    unsubscribeFromProcessSignals?: () => void;
  };
  const wasEnabled = (hooked.shutdownCleanupRefs?.size ?? 0) > 0;
  if (wasEnabled) {
    hooked.unsubscribeFromProcessSignals?.();
    lifecycle.handleSignals();
  }
  // Nest's applications are proxies that swallow assignments.
  Object.defineProperty(app, 'enableShutdownHooks', {
    configurable: true,
    value: () => {
      lifecycle.handleSignals();
      return app;
    },
  });
}

function expectNest(app: INestApplication): void {
  const isNest =
    typeof app === 'object' &&
    app !== null &&
    typeof app.getHttpServer === 'function' &&
    typeof app.enableShutdownHooks === 'function';
  // With Nest 12 applications began to prepare the close of their server.
  const isOld = isNest && !('prepareClose' in app);
  if (isNest && !isOld) return;
  const got = isOld ? 'an older Nest' : app === null ? 'null' : typeof app;
  throw new LastcallError(
    'ERR_LASTCALL_FRAMEWORK',
    `attachNest: expected an HTTP application of Nest 12, got ${got}. Install @nestjs/core@12 and pass what NestFactory.create returned.`,
    { expected: '12', got },
  );
}
