import type { IncomingMessage } from 'node:http';
import type { Lease } from '../../ledger/lease.ts';

const LEASE = Symbol('lastcall.lease');

interface Held extends IncomingMessage {
  [LEASE]?: Lease | undefined;
}

/** The lease of a request; undefined for probes, operator calls and refused work. */
export const leaseOf = (request: IncomingMessage): Lease | undefined => (request as Held)[LEASE];

/** Makes `leaseOf` find the lease of a request, whichever protocol version it came over. */
export function holdLease(request: object, lease: Lease | undefined): void {
  (request as Held)[LEASE] = lease;
}
