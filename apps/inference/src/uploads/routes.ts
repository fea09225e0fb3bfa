import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiError, sendError } from '../http/errors.ts';
import { putRoute } from './put.ts';
import { modelName } from './store.ts';
import {
  type ModelRouteParts,
  modelView,
  ownView,
  tellDigest,
  tellOffset,
  uploadName,
} from './views.ts';

type Named = FastifyRequest<{ Params: { name: string } }>;

/** PUT, GET, HEAD and DELETE under /v1/models. */
export function modelRoutes(app: FastifyInstance, parts: ModelRouteParts): void {
  const { store, limits, own } = parts;

  async function find(name: string, reply: FastifyReply): Promise<object | undefined> {
    const fixed = own.find((model) => model.name === name);
    if (fixed) return ownView(fixed);
    const model = modelName.test(name) ? await store.get(name) : undefined;
    if (model) tellDigest(reply, model);
    return model && modelView(model);
  }

  const notFound = (reply: FastifyReply, name: string) => {
    const told = apiError(404, 'model_not_found', `There is no model '${name}'.`, {
      param: 'name',
    });
    return sendError(reply, told);
  };

  app.get('/v1/models', async (_request, reply) => {
    const stored = (await store.list()).map(modelView);
    return reply.send({ object: 'list', data: [...own.map(ownView), ...stored] });
  });

  app.get('/v1/models/:name', { exposeHeadRoute: false }, async (request: Named, reply) => {
    const found = await find(request.params.name, reply);
    return found ? reply.send(found) : notFound(reply, request.params.name);
  });

  app.head('/v1/models/:name', async (request: Named, reply) => {
    const { name } = request.params;
    const offset = modelName.test(name) ? await store.uploads.offset(name) : undefined;
    if (offset !== undefined) tellOffset(reply, offset);
    void reply.header('upload-limit', `max-size=${limits.maxBytes}`);
    return reply.code((await find(name, reply)) ? 200 : 404).send();
  });

  app.delete('/v1/models/:name', async (request: Named, reply) => {
    const name = uploadName(request.params.name, parts);
    if (!(await store.delete(name))) return notFound(reply, name);
    return reply.send({ id: name, object: 'model', deleted: true });
  });

  putRoute(app, parts);
}
