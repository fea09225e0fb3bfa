import type { FastifyReply } from 'fastify';
import type { Handover, Work } from '@lastcall/handover';
import type { Lease } from 'lastcall';
import { isClientGone } from '../http/lease.ts';
import { type ApiError, apiError, sendError } from '../http/errors.ts';
import type { LastMoments } from '../http/last-moments.ts';
import { failureOf } from '../works/failure.ts';
import { untilEnded } from '../works/until-ended.ts';
import { responseOf } from './work.ts';

export interface Waiting {
  readonly id: string;
  readonly lease: Lease;
  readonly lastMoments: LastMoments;
}

/**
 * The whole response at once. Its work may end in any worker, the connection is this one's: where
 * that has to go first, its client is told where the response will be.
 */
export async function answer(
  reply: FastifyReply,
  handover: Handover,
  { id, lease, lastMoments }: Waiting,
): Promise<FastifyReply> {
  const signal = AbortSignal.any([lease.signal, lastMoments.signal]);
  const work = await untilEnded(handover, id, signal);
  if (work) return sendWork(reply, work);
  if (isClientGone(lease.signal)) return reply;
  lease.end('handed_over');
  void reply.header('location', `/v1/responses/${id}`);
  return sendError(reply, goesOn(id));
}

export const sendWork = (reply: FastifyReply, work: Work): FastifyReply =>
  work.state === 'failed' ? sendError(reply, failureOf(work)) : reply.send(responseOf(work));

const goesOn = (id: string): ApiError =>
  apiError(
    503,
    'server_shutting_down',
    `The server is shutting down; the response goes on in another instance and will be there: GET /v1/responses/${id}. The request sent again with the same Idempotency-Key waits for it as well; without a key it begins anew.`,
    { retryAfter: '1' },
  );
