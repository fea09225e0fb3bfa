import Fastify, { type FastifyInstance } from 'fastify';
import type { Handover } from '@lastcall/handover';
import type { Lifecycle } from 'lastcall';
import { attachFastify } from 'lastcall/fastify';
import { responseRoutes } from '../responses/routes.ts';
import { taskRoutes } from '../tasks/routes.ts';
import type { TaskStore } from '../tasks/store.ts';
import { predictRoutes } from '../predict/routes.ts';
import type { LastMoments } from './last-moments.ts';
import { modelRoutes } from '../uploads/routes.ts';
import type { ModelRouteParts } from '../uploads/views.ts';
import { apiError, sendError, toApiError } from './errors.ts';
import { pageRoutes } from './page.ts';

const maxBodyBytes = 1024 * 1024;

export interface AppParts {
  readonly lifecycle: Lifecycle;
  readonly defaultModel: string;
  /** Whether the database is there, and what is kept in it can be asked for. */
  readonly isOpen: () => boolean;
  /** These answer once it is. */
  readonly handover: () => Handover;
  readonly tasks: () => TaskStore;
  readonly lastMoments: LastMoments;
  readonly models: ModelRouteParts;
  readonly say: (line: string) => void;
}

const starting = apiError(503, 'server_starting', 'The server is starting. Try again soon.', {
  retryAfter: '1',
});

/** The HTTP side of the service. */
export function createApp(parts: AppParts): FastifyInstance {
  const app = Fastify({ bodyLimit: maxBodyBytes });
  app.removeContentTypeParser('text/plain'); // only JSON is understood
  attachFastify(parts.lifecycle, app);
  app.setErrorHandler((error, request, reply) => {
    const told = toApiError(error);
    if (told.status === 500)
      parts.say(`${request.method} ${request.url}: ${(error as Error).stack ?? String(error)}`);
    return sendError(reply, told);
  });
  app.setNotFoundHandler((request, reply) =>
    sendError(reply, apiError(404, 'not_found', `There is no ${request.method} ${request.url}.`)),
  );
  app.addHook('onRequest', async (request, reply) => {
    // A stop that comes first leaves `starting` as well.
    const isOpen = parts.lifecycle.state !== 'starting' && parts.isOpen();
    if (!isOpen && request.url.startsWith('/v1/')) return sendError(reply, starting);
    return undefined;
  });
  responseRoutes(app, parts);
  predictRoutes(app, parts);
  taskRoutes(app, parts.tasks, parts.defaultModel);
  modelRoutes(app, parts.models);
  pageRoutes(app);
  return app;
}
