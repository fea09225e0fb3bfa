import { createLifecycle, type Lease } from 'lastcall';
import { median } from './statistics.ts';

const BATCH = 100_000;

/** Median cost of admit + end in nanoseconds, over `rounds` batches, with 100 leases held. */
export function admitCostNs(rounds = 31): number {
  const lifecycle = createLifecycle();
  lifecycle.ready();
  const held = Array.from({ length: 100 }, () => lifecycle.admit({ kind: 'request' }));
  const costs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    for (let i = 0; i < BATCH; i += 1) {
      const lease = lifecycle.admit({ kind: 'request' });
      if (lease.admitted) lease.end('completed');
    }
    costs.push(((performance.now() - began) / BATCH) * 1e6);
  }
  for (const lease of held) if (lease.admitted) lease.end();
  return median(costs);
}

/** Bytes of memory per held lease. Needs --expose-gc. */
export function leaseBytes(count = 200_000): number {
  const collect = globalThis.gc;
  if (!collect) throw new Error('run with --expose-gc');
  const lifecycle = createLifecycle();
  lifecycle.ready();
  lifecycle.admit({ kind: 'request' });
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < count; i += 1) lifecycle.admit({ kind: 'request' });
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  for (const lease of [...lifecycle.ledger.leases] as Lease[]) lease.end();
  return bytes;
}
