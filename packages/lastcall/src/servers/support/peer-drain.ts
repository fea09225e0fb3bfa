import type { Lease } from '../../ledger/lease.ts';
import type { Refusal, Work } from '../../ledger/ledger.ts';
import type { Drainable } from '../../lifecycle/drainable.ts';
import type { Lifecycle } from '../../lifecycle/lifecycle.ts';
import type { Stop } from '../../lifecycle/stop.ts';
import type { PeerCounts } from '../../telemetry/counters.ts';
import { every } from './batches.ts';

/** What a peer is told when the drain begins. */
export interface Farewell {
  /** When this client should connect again, in milliseconds from its close; spread over all clients. */
  reconnectAfterMs: number;
  /** When work that still runs is cancelled. */
  deadlineAt: Date;
  /** Pieces of work promised to this peer and not delivered yet. */
  owed: number;
}

/** How the peers of one protocol are told and closed. */
export interface PeerProtocol<P> {
  /** The label of its counts in the metrics. */
  readonly name: string;
  /** May throw and may take its time: the peer is closed after it. */
  tell(peer: P, farewell: Farewell): unknown;
  /** Begins to close in order; a promise resolves when everything sent before has left. */
  close(peer: P, farewell: Farewell): void | Promise<void>;
  terminate(peer: P): void;
}

export interface PeerLimits {
  /** How long a peer may take to complete its close. */
  closeTimeoutMs: number;
  /** Closes of peers that are owed nothing are spread over this time. */
  closeWindowMs: number;
  /** Reconnects are spread over this time. */
  reconnectWindowMs: number;
}

interface Held {
  readonly leases: Set<Lease>;
  farewell?: Farewell;
  phase: 'open' | 'telling' | 'told' | 'closing';
  timer?: NodeJS.Timeout | undefined;
  terminated?: true;
}

/**
 * Long-lived peers (WebSockets, TCP connections) and what they are owed. An open peer is no work: on
 * drain it is told, kept until the work promised to it has ended, and closed in order.
 */
export class PeerDrain<P extends object> implements Drainable {
  readonly admin = false;
  readonly counts: PeerCounts;
  readonly #lifecycle: Lifecycle;
  readonly #protocol: PeerProtocol<P>;
  readonly #limits: PeerLimits;
  readonly #peers = new Map<P, Held>();
  #stop: Stop | undefined;
  /** Peers that are waited for: those from before the drain, and at the close all. */
  #awaited: { readonly size: number; delete(peer: P): boolean } = new Set<P>();
  #gone: PromiseWithResolvers<void> | undefined;

  constructor(lifecycle: Lifecycle, protocol: PeerProtocol<P>, limits: PeerLimits) {
    this.#lifecycle = lifecycle;
    this.#protocol = protocol;
    this.#limits = limits;
    this.counts = lifecycle.counters.countPeers(protocol.name);
  }

  get draining(): boolean {
    return this.#stop !== undefined;
  }

  /** A peer has connected. */
  add(peer: P): void {
    const held: Held = { leases: new Set(), phase: 'open' };
    this.#peers.set(peer, held);
    this.counts.open += 1;
    if (this.#stop) void this.#tell(peer, held, Math.random());
  }

  /** The peer's connection has closed: the work promised to it cannot be delivered any more. */
  gone(peer: P, inOrder = true): void {
    const held = this.#peers.get(peer);
    if (!held) return;
    clearTimeout(held.timer);
    this.#peers.delete(peer);
    this.#awaited.delete(peer);
    this.counts.open -= 1;
    if (held.phase === 'closing' && !held.terminated && inOrder) this.counts.closed += 1;
    held.phase = 'closing';
    for (const lease of held.leases) lease.end('cancelled');
    this.#settle();
  }

  /** Whether work that is promised to `peer` has not ended. */
  owes(peer: P): boolean {
    return (this.#peers.get(peer)?.leases.size ?? 0) > 0;
  }

  /** Admits a piece of work that is promised to `peer`; it is cancelled when the peer goes. */
  promise(peer: P, work: Work): Lease | Refusal {
    const admission = this.#lifecycle.admit(work);
    if (!admission.admitted) return admission;
    const held = this.#peers.get(peer);
    if (!held || held.phase === 'closing') {
      admission.end('cancelled');
      return admission;
    }
    held.leases.add(admission);
    admission.onEnd = () => {
      held.leases.delete(admission);
      if (held.phase === 'told') this.#closeWhenFree(peer, held);
    };
    return admission;
  }

  /** The work that is promised to a peer and has not ended. */
  owed(peer: P): readonly Lease[] {
    return [...(this.#peers.get(peer)?.leases ?? [])];
  }

  leave(_stop: Stop): Promise<void> {
    return Promise.resolve();
  }

  drain(stop: Stop): void {
    this.#stop = stop;
    const total = this.#peers.size;
    this.#awaited = new Set(this.#peers.keys());
    void every(this.#peers, ([peer, held], index) => {
      if (this.#stop === stop) void this.#tell(peer, held, (index + Math.random()) / total);
    });
  }

  quiet(): Promise<void> {
    this.#gone ??= Promise.withResolvers<void>();
    const { promise } = this.#gone;
    this.#settle();
    return promise;
  }

  finish(): void {
    for (const [peer, held] of this.#peers) {
      if (held.leases.size === 0) continue;
      void this.#close(peer, held);
      for (const lease of held.leases) lease.end('expired');
    }
  }

  async close(stop: Stop): Promise<void> {
    // Before the deadline each peer is on its way: told, or waited for until it has been.
    if (performance.now() >= stop.deadlineMs)
      for (const [peer, held] of this.#peers) void this.#close(peer, held);
    this.#awaited = this.#peers;
    await this.quiet();
  }

  destroy(): void {
    for (const [peer, held] of this.#peers) this.#terminate(peer, held);
  }

  resume(): void {
    this.#stop = undefined;
    for (const held of this.#peers.values()) {
      if (held.phase === 'closing') continue;
      clearTimeout(held.timer);
      held.phase = 'open';
    }
  }

  /** `place`: where this peer stands among all that are told, from 0 to 1. */
  async #tell(peer: P, held: Held, place: number): Promise<void> {
    const stop = this.#stop;
    if (!stop || held.phase !== 'open' || !this.#peers.has(peer)) return;
    held.phase = 'telling';
    held.farewell = { ...this.#farewell(place), owed: held.leases.size };
    try {
      this.counts.told += 1;
      await this.#protocol.tell(peer, held.farewell);
    } catch (error) {
      warn(error);
    }
    if (held.phase !== 'telling' || this.#stop !== stop) return;
    held.phase = 'told';
    const waitMs = place * this.#limits.closeWindowMs;
    if (waitMs >= 1) held.timer = setTimeout(() => this.#closeWhenFree(peer, held), waitMs);
    else this.#closeWhenFree(peer, held);
  }

  #farewell(place: number): Omit<Farewell, 'owed'> {
    return {
      reconnectAfterMs: Math.round(place * this.#limits.reconnectWindowMs),
      deadlineAt: this.#stop?.deadlineAt ?? new Date(),
    };
  }

  #settle(): void {
    if (this.#awaited.size > 0) return;
    this.#gone?.resolve();
    this.#gone = undefined;
  }

  #closeWhenFree(peer: P, held: Held): void {
    if (held.phase === 'told' && held.leases.size === 0) void this.#close(peer, held);
  }

  async #close(peer: P, held: Held): Promise<void> {
    if (held.phase === 'closing') return;
    held.phase = 'closing';
    clearTimeout(held.timer);
    const farewell = {
      ...(held.farewell ?? this.#farewell(Math.random())),
      owed: held.leases.size,
    };
    // A slow reader has until the deadline; a reader that has everything has this long to close.
    try {
      await this.#protocol.close(peer, farewell);
    } catch (error) {
      warn(error);
    }
    if (this.#peers.has(peer))
      held.timer = setTimeout(() => this.#terminate(peer, held), this.#limits.closeTimeoutMs);
  }

  #terminate(peer: P, held: Held): void {
    if (held.terminated) return;
    held.terminated = true;
    this.counts.terminated += 1;
    this.#protocol.terminate(peer);
  }
}

function warn(error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  process.emitWarning(`A peer could not be told of the drain: ${why}`, 'LastcallWarning');
}
