import type { FastifyRequest } from 'fastify';
import type { LastcallError, Lease } from 'lastcall';
import 'lastcall/fastify';

/** The lease of a request that reached a handler: the library admits each before Fastify sees it. */
export function leaseFor(request: FastifyRequest): Lease {
  const { lease } = request;
  if (!lease)
    throw new Error(`${request.method} ${request.url} reached its handler without a lease.`);
  return lease;
}

/** Whether the signal of a lease has aborted because nobody waits for it any more. */
export const isClientGone = ({ reason }: AbortSignal): boolean =>
  (reason as Partial<LastcallError> | undefined)?.code === 'ERR_LASTCALL_CLIENT_GONE';
