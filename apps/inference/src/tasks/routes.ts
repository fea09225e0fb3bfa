import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { apiError, sendError } from '../http/errors.ts';
import { generationFields, toGenerateRequest } from '../http/generation.ts';
import { clientId, idempotencyKey } from '../http/identity.ts';
import type { TaskStore } from './store.ts';
import { taskView } from './view.ts';

const body = z.strictObject({ ...generationFields, client: clientId.nullish() });
const query = z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20) });
const usageQuery = z.strictObject({ client: clientId });
const isUuid = (id: string): boolean => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id);

const notFound = (reply: FastifyReply, id: string) =>
  sendError(reply, apiError(404, 'task_not_found', `There is no task '${id}'.`, { param: 'id' }));

/** POST, GET and DELETE under /v1/tasks. `store` answers once the database is there. */
export function taskRoutes(app: FastifyInstance, store: () => TaskStore, defaultModel: string) {
  app.post('/v1/tasks', async (request, reply) => {
    const { client = null, ...wanted } = body.parse(request.body);
    const key = idempotencyKey(request);
    // Committed before it is acknowledged: whoever reads 202 may go away.
    const task = await store().create({
      request: toGenerateRequest(wanted, defaultModel),
      client,
      key,
    });
    return reply.code(202).header('location', `/v1/tasks/${task.id}`).send(taskView(task));
  });

  app.get('/v1/tasks', async (request, reply) => {
    const { limit } = query.parse(request.query);
    const [counts, newest] = await Promise.all([store().counts(), store().newest(limit)]);
    return reply.send({ object: 'list', counts, data: newest.map(taskView) });
  });

  app.get<{ Params: { id: string } }>('/v1/tasks/:id', async (request, reply) => {
    const { id } = request.params;
    const task = isUuid(id) ? await store().get(id) : undefined;
    return task ? reply.send(taskView(task)) : notFound(reply, id);
  });

  app.delete<{ Params: { id: string } }>('/v1/tasks/:id', async (request, reply) => {
    const { id } = request.params;
    const before = isUuid(id) ? await store().get(id) : undefined;
    if (!before) return notFound(reply, id);
    const ended = ['completed', 'failed'].includes(before.state);
    const task = ended ? before : ((await store().revoke(id)) ?? before);
    if (task.state !== 'completed' && task.state !== 'failed') return reply.send(taskView(task));
    const message = `Task '${id}' is ${taskView(task).status} already and cannot be revoked.`;
    return sendError(reply, apiError(409, 'task_finished', message, { param: 'id' }));
  });

  app.get('/v1/usage', async (request, reply) => {
    const { client } = usageQuery.parse(request.query);
    return reply.send({ object: 'usage', client, ...(await store().usage(client)) });
  });
}
