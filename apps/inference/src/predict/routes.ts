import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Handover, Work } from '@lastcall/handover';
import type { Lifecycle } from 'lastcall';
import { z } from 'zod';
import { apiError, sendError } from '../http/errors.ts';
import { generationFields, toGenerateRequest } from '../http/generation.ts';
import { idDigits, idempotencyKey } from '../http/identity.ts';
import type { LastMoments } from '../http/last-moments.ts';
import { isClientGone, leaseFor } from '../http/lease.ts';
import { failureOf } from '../works/failure.ts';
import { untilEnded } from '../works/until-ended.ts';
import { becomesJob } from './becomes-job.ts';
import { predictionKind, predictionView } from './work.ts';

const body = z.strictObject(generationFields);
const isPredictionId = (id: string): boolean => /^pred_[\da-f]{32}$/.test(id);

/** Calls about as long share their estimate: so many tokens, to the next power of two. */
const labelOf = (tokens: number): string => `up to ${2 ** Math.ceil(Math.log2(tokens))} tokens`;

export interface PredictParts {
  readonly lifecycle: Lifecycle;
  readonly defaultModel: string;
  /** Answers once the database is there. */
  readonly handover: () => Handover;
  readonly lastMoments: LastMoments;
}

/** POST /v1/predict: the whole text as the answer; or, where a stop comes in between, its place. */
export function predictRoutes(app: FastifyInstance, parts: PredictParts): void {
  const { lifecycle, defaultModel, handover, lastMoments } = parts;

  app.post('/v1/predict', async (request, reply) => {
    const wanted = toGenerateRequest(body.parse(request.body), defaultModel);
    const lease = leaseFor(request);
    lease.kind = 'predict';
    lease.label = labelOf(wanted.maxOutputTokens);
    const id = `pred_${idDigits(request)}`;
    await handover().add(predictionKind, wanted, { id, here: true, maxAttempts: 1 });

    const over = new AbortController();
    try {
      const job = becomesJob(lifecycle, lease, lastMoments.signal, over.signal);
      const came = await Promise.race([untilEnded(handover(), id, over.signal), job]);
      if (came && came !== 'job') return await sendEnded(reply, came);
    } finally {
      over.abort();
    }
    if (isClientGone(lease.signal)) {
      // With a key it can be asked for again.
      if (idempotencyKey(request) === undefined)
        await handover().cancel(id, 'its client went away');
      return reply;
    }
    // The work is the handover's already: it goes on here, and then elsewhere.
    lease.end('handed_over');
    return sendPlace(reply, await handover().get(id));
  });

  app.get<{ Params: { id: string } }>('/v1/predictions/:id', async (request, reply) => {
    const { id } = request.params;
    const [work] = isPredictionId(id) ? await handover().list([id]) : [];
    if (work) return work.endedAt ? sendEnded(reply, work) : sendPlace(reply, work);
    const told = `There is no prediction '${id}'.`;
    return sendError(reply, apiError(404, 'prediction_not_found', told, { param: 'id' }));
  });
}

const sendPlace = (reply: FastifyReply, work: Work) =>
  reply
    .code(202)
    .header('location', `/v1/predictions/${work.id}`)
    .header('retry-after', '1')
    .send(predictionView(work));

function sendEnded(reply: FastifyReply, work: Work) {
  if (work.state !== 'failed') return reply.send(predictionView(work));
  return sendError(reply, failureOf(work));
}
