import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Handover } from '@lastcall/handover';
import { z } from 'zod';
import { apiError, sendError } from '../http/errors.ts';
import { generationFields, text, toGenerateRequest } from '../http/generation.ts';
import { idDigits, idempotencyKey } from '../http/identity.ts';
import type { LastMoments } from '../http/last-moments.ts';
import { leaseFor } from '../http/lease.ts';
import { answer, sendWork } from './answer.ts';
import { ResponseConnections } from './connection.ts';
import { isResponseId, newResponse } from './response.ts';
import { openEvents } from './stream.ts';
import { responseKind, responseOf, type ResponseInput } from './work.ts';

// Parameters of the OpenAI API are taken where they ask for what this service does anyway.
const body = z.strictObject({
  ...generationFields,
  stream: z.boolean().nullish(),
  metadata: z.record(text.max(64), text.max(512)).nullish(),
  user: z.string().nullish(),
  background: z.boolean().nullish(),
  store: z.boolean().nullish(),
  previous_response_id: z
    .null('conversations are not kept; send the conversation as input')
    .optional(),
  tools: z.array(z.unknown()).max(0, 'tools are not supported').nullish(),
  top_p: z.literal(1, 'only 1 is supported').nullish(),
});

// The handover's numbers are larger by one; a client that has no event yet may send an empty one.
const number = z
  .preprocess(
    (given) => (typeof given === 'string' && given.trim() === '' ? undefined : given),
    z.coerce
      .number('expected the number of an event')
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER - 1)
      .optional(),
  )
  .optional();
const retrieve = z.strictObject({
  stream: z.enum(['true', 'false']).default('false'),
  starting_after: number,
});

export interface ResponseParts {
  readonly defaultModel: string;
  /** Answers once the database is there. */
  readonly handover: () => Handover;
  readonly lastMoments: LastMoments;
}

type WithId = FastifyRequest<{ Params: { id: string } }>;

const isKeyed = (request: FastifyRequest): boolean => idempotencyKey(request) !== undefined;

const notFound = (reply: FastifyReply, id: string) =>
  sendError(
    reply,
    apiError(404, 'response_not_found', `There is no response '${id}'.`, { param: 'id' }),
  );

/** POST /v1/responses and what follows: retrieve, resume, cancel. */
export function responseRoutes(app: FastifyInstance, parts: ResponseParts): void {
  const { defaultModel, handover, lastMoments } = parts;
  const connections = new ResponseConnections(parts);

  app.post('/v1/responses', async (request, reply) => {
    const given = body.parse(request.body);
    const wanted = toGenerateRequest(given, defaultModel);
    const [stream, background] = [given.stream === true, given.background === true];
    const response = newResponse(idDigits(request), wanted, {
      instructions: given.instructions ?? null,
      metadata: given.metadata ?? {},
      background,
    });
    const { id } = response;
    const input: ResponseInput = { request: wanted, response, unwatched: !stream && !background };
    await handover().add(responseKind, input, { id, here: stream || !background, maxAttempts: 1 });
    if (stream) return streamNew(request, reply, input);
    if (background)
      return reply.send(
        isKeyed(request) ? responseOf(await handover().get(id)) : { ...response, status: 'queued' },
      );
    const lease = leaseFor(request);
    if (!isKeyed(request)) connections.cancelWithClient(lease.signal, id);
    return answer(reply, handover(), { id, lease, lastMoments });
  });

  /** Streams what this worker begins and any worker may finish. */
  async function streamNew(request: FastifyRequest, reply: FastifyReply, input: ResponseInput) {
    const lease = leaseFor(request);
    lease.kind = 'stream';
    const { id, background } = input.response;
    const signal = connections.signalOf(lease);
    const cancels = background !== true && !isKeyed(request);
    if (cancels) connections.cancelWithClient(lease.signal, id);
    const events = await handover().read(id, { signal });
    // Waited for before the headers are sent: a model that refuses is told by the status code.
    const { value: first, done } = await events.next();
    const place = { id, after: 0, cancels };
    if (!done || signal.aborted)
      return connections.send(request, reply, { first, events, place, signal, lease });
    return sendWork(reply, await handover().get(id));
  }

  app.get('/v1/responses/:id', async (request: WithId, reply) => {
    const { id } = request.params;
    if (!isResponseId(id)) return notFound(reply, id);
    const { stream, starting_after } = retrieve.parse(request.query);
    if (stream === 'false') return reply.send(responseOf(await handover().get(id)));
    const lease = leaseFor(request);
    lease.kind = 'stream';
    const header = request.headers['last-event-id'];
    const has = starting_after ?? lastEventId(header);
    // Numbers are from 0 here and from 1 in the handover.
    const after = has === undefined ? 0 : has + 1;
    const signal = connections.signalOf(lease);
    const events = await openEvents(handover(), id, after, signal);
    const place = { id, after, cancels: false };
    return connections.send(request, reply, { events, place, signal, lease });
  });

  app.post('/v1/responses/:id/cancel', async (request: WithId, reply) => {
    const { id } = request.params;
    if (!isResponseId(id)) return notFound(reply, id);
    await handover().cancel(id, 'cancelled by its client');
    return reply.send(responseOf(await handover().get(id)));
  });
}

const lastEventId = (header: unknown): number | undefined =>
  z.object({ 'last-event-id': number }).parse({ 'last-event-id': header })['last-event-id'];
