import type { FastifyRequest } from 'fastify';
import type { Lease } from 'lastcall';
import 'lastcall/fastify';

/** The lease of a request that reached a handler: the library admits each before Fastify sees it. */
export function leaseFor(request: FastifyRequest): Lease {
  const { lease } = request;
  if (!lease)
    throw new Error(`${request.method} ${request.url} reached its handler without a lease.`);
  return lease;
}
