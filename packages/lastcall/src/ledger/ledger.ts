import type { LastcallError } from '../errors.ts';
import { Lease } from './lease.ts';
import { OpenLeases } from './open-leases.ts';
import type { Outcome } from './outcome.ts';
import { Tally } from './tally.ts';

/** Work that was not admitted: nothing was registered, and nothing has to be ended. */
export interface Refusal {
  readonly admitted: false;
  /** The lifecycle state that refused it. */
  readonly state: string;
  /** What to tell the client in `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number;
}

export interface Work {
  kind: string;
  /** A finer name for estimates and the console: a route, a model. */
  label?: string;
}

/** The one register of work in flight. Nothing else counts work. */
export class Ledger {
  readonly #leases = new OpenLeases();
  readonly #tallies = new Map<string, Tally>();
  /** The one asked for last: most services have one kind of work. */
  #latest: Tally | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Registers one piece of work. */
  open({ kind, label }: Work, nowMs: number): Lease {
    const tally = this.tally(kind);
    const lease = new Lease(this, tally, label, nowMs);
    tally.inFlight += 1;
    this.#leases.add(lease);
    return lease;
  }

  /** Called by a lease when it ends. */
  settle(lease: Lease, tally: Tally, outcome: Outcome, nowMs: number): void {
    this.#leases.delete(lease);
    tally.inFlight -= 1;
    tally.outcomes[outcome] += 1;
    if (outcome === 'completed') tally.took(nowMs - lease.startedMs, lease.label);
    if (this.#idle && this.#leases.size === 0) {
      this.#idle.resolve();
      this.#idle = undefined;
    }
  }

  /** Called by a lease whose kind changes: moves it from one count to another. */
  moveKind(from: Tally, kind: string): Tally {
    const to = this.tally(kind);
    from.inFlight -= 1;
    to.inFlight += 1;
    return to;
  }

  /** The counts of one kind; made when first asked for. */
  tally(kind: string): Tally {
    if (this.#latest?.kind === kind) return this.#latest;
    let tally = this.#tallies.get(kind);
    if (!tally) {
      tally = new Tally(kind);
      this.#tallies.set(kind, tally);
    }
    this.#latest = tally;
    return tally;
  }

  get tallies(): Iterable<Tally> {
    return this.#tallies.values();
  }

  /** The leases that are open now, oldest first. */
  get leases(): readonly Lease[] {
    return this.#leases.toArray();
  }

  get inFlight(): number {
    return this.#leases.size;
  }

  /** Work in flight by kind, without the kinds that have none. */
  inFlightByKind(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { kind, inFlight } of this.#tallies.values())
      if (inFlight > 0) counts[kind] = inFlight;
    return counts;
  }

  /** Resolves when no work is in flight: at once, or with the end of the last lease. */
  idle(): Promise<void> {
    if (this.#leases.size === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** Asks every open lease to stop; returns how many were asked. */
  cancelAll(reason: LastcallError): number {
    const open = this.#leases.toArray();
    for (const lease of open) lease.cancel(reason);
    return open.length;
  }

  /** Ends what is still open as lost: the last entry before the process goes. */
  writeOff(): number {
    const open = this.#leases.toArray();
    for (const lease of open) lease.end('lost');
    return open.length;
  }
}
