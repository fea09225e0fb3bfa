import type { Lease } from './lease.ts';

/**
 * The open leases, oldest first. A list through the leases themselves: the tables that a Set leaves
 * behind as it turns over keep ended leases, and with them their requests, alive until they are old
 * garbage, which made a short request dearer by a quarter.
 */
export class OpenLeases {
  #oldest: Lease | undefined;
  #newest: Lease | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(lease: Lease): void {
    const newest = this.#newest;
    lease.older = newest;
    if (newest) newest.newer = lease;
    else this.#oldest = lease;
    this.#newest = lease;
    this.#size += 1;
  }

  /** Takes out a lease that is in the list. */
  delete(lease: Lease): void {
    const { older, newer } = lease;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    lease.older = undefined;
    lease.newer = undefined;
    this.#size -= 1;
  }

  /** Those that are open now; they may end while the caller goes through them. */
  toArray(): Lease[] {
    const leases: Lease[] = [];
    for (let lease = this.#oldest; lease; lease = lease.newer) leases.push(lease);
    return leases;
  }
}
