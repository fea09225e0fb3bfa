import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { apiError, sendError } from '../http/errors.ts';
import { generationFields, toGenerateRequest } from '../http/generation.ts';
import type { Task, TaskStore } from './store.ts';

const body = z.strictObject(generationFields);
const query = z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20) });
const isUuid = (id: string): boolean => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id);

const notFound = (reply: FastifyReply, id: string) =>
  sendError(reply, apiError(404, 'task_not_found', `There is no task '${id}'.`, { param: 'id' }));

/** A task as clients see it. */
function view({ request, output, ...task }: Task) {
  return {
    object: 'task',
    ...task,
    model: request.model,
    seed: request.seed,
    input: request.messages.map(({ text }) => text).join('\n'),
    output_text: output,
  };
}

/** POST, GET and DELETE under /v1/tasks. `store` answers once the database is there. */
export function taskRoutes(app: FastifyInstance, store: () => TaskStore, defaultModel: string) {
  app.post('/v1/tasks', async (request, reply) => {
    const wanted = toGenerateRequest(body.parse(request.body), defaultModel);
    // Committed before it is acknowledged: whoever reads 202 may go away.
    const task = await store().create(randomUUID(), wanted);
    return reply.code(202).header('location', `/v1/tasks/${task.id}`).send(view(task));
  });

  app.get('/v1/tasks', async (request, reply) => {
    const { limit } = query.parse(request.query);
    const [counts, newest] = await Promise.all([store().counts(), store().newest(limit)]);
    return reply.send({ object: 'list', counts, data: newest.map(view) });
  });

  app.get<{ Params: { id: string } }>('/v1/tasks/:id', async (request, reply) => {
    const { id } = request.params;
    const task = isUuid(id) ? await store().get(id) : undefined;
    return task ? reply.send(view(task)) : notFound(reply, id);
  });

  app.delete<{ Params: { id: string } }>('/v1/tasks/:id', async (request, reply) => {
    const { id } = request.params;
    if (!isUuid(id)) return notFound(reply, id);
    const task = (await store().revoke(id)) ?? (await store().get(id));
    if (!task) return notFound(reply, id);
    if (task.status === 'revoked') return reply.send(view(task));
    const message = `Task '${id}' is ${task.status} already and cannot be revoked.`;
    return sendError(reply, apiError(409, 'task_finished', message, { param: 'id' }));
  });
}
