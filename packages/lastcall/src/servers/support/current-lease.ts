import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, Server } from 'node:http';
import type { Lease } from '../../ledger/lease.ts';

const storage = new AsyncLocalStorage<Lease>();

/**
 * The lease of the work that the calling code belongs to, through promises, timers and callbacks.
 * Undefined outside of work, and where the adapter was not given `currentLease: true`.
 */
export const currentLease = (): Lease | undefined => storage.getStore();

/** Runs `run`, and all that it starts, as part of the work of `lease`. */
export function runWithLease<T>(lease: Lease | undefined, run: () => T): T {
  return lease === undefined ? run() : storage.run(lease, run);
}

const WORK: ReadonlySet<string | symbol> = new Set([
  'request',
  'checkContinue',
  'upgrade',
  'connect',
]);

/** Makes the handlers of a server run with the lease of their request as the current one. */
export function trackCurrentLease(
  server: Server,
  leaseOf: (request: IncomingMessage) => Lease | undefined,
): void {
  const emit = server.emit.bind(server) as (event: string | symbol, ...args: unknown[]) => boolean;
  server.emit = (event: string | symbol, ...args: unknown[]): boolean =>
    WORK.has(event)
      ? runWithLease(leaseOf(args[0] as IncomingMessage), () => emit(event, ...args))
      : emit(event, ...args);
}
