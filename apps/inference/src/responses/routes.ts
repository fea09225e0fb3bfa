import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { LastcallError } from 'lastcall';
import { z } from 'zod';
import { apiError, sendError, shuttingDown } from '../http/errors.ts';
import { generationFields, toGenerateRequest } from '../http/generation.ts';
import { leaseFor } from '../http/lease.ts';
import type { ModelProvider } from '../model/provider.ts';
import { type ResponseEvent, responseEvents } from './events.ts';
import { newResponse } from './response.ts';

// Parameters of the OpenAI API are taken where they ask for what this service does anyway.
const body = z.strictObject({
  ...generationFields,
  stream: z.boolean().nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  user: z.string().nullish(),
  background: z.literal(false, 'background responses are not supported').nullish(),
  store: z.literal(false, 'responses are not stored; only false is supported').nullish(),
  previous_response_id: z
    .null('responses are not stored; send the conversation as input')
    .optional(),
  tools: z.array(z.unknown()).max(0, 'tools are not supported').nullish(),
  top_p: z.literal(1, 'only 1 is supported').nullish(),
});

const isClientGone = (error: unknown): boolean =>
  error instanceof LastcallError && error.code === 'ERR_LASTCALL_CLIENT_GONE';

async function* toSse(events: AsyncIterable<ResponseEvent>): AsyncGenerator<string> {
  for await (const event of events)
    yield `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** POST /v1/responses, streaming and not. */
export function responseRoutes(
  app: FastifyInstance,
  provider: ModelProvider,
  defaultModel: string,
): void {
  app.post('/v1/responses', async (request, reply) => {
    const given = body.parse(request.body);
    const lease = leaseFor(request);
    if (given.stream) lease.kind = 'stream';
    const wanted = toGenerateRequest(given, defaultModel);
    const response = newResponse(wanted, {
      instructions: given.instructions ?? null,
      metadata: given.metadata ?? {},
    });
    // Started before the headers are sent: a model that refuses is told by the status code.
    const parts = await provider.start(wanted, lease.signal);
    const events = responseEvents(response, parts, isClientGone);
    if (given.stream)
      return reply
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(Readable.from(toSse(events)));

    for await (const _event of events) {
      // The events keep the response up to date; without streaming only its end is sent.
    }
    if (lease.signal.aborted) return sendError(reply, shuttingDown);
    if (response.error)
      return sendError(reply, apiError(502, response.error.code, response.error.message));
    return reply.send(response);
  });
}
