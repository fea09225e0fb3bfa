/** Upper edges of the drain histogram's buckets, in seconds. */
export const DRAIN_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] as const;

/** What became of the long-lived peers of one server (WebSockets, TCP connections, feeds), since it was attached. */
export interface PeerCounts {
  /** What they speak: `ws`, `socket.io`, `tcp`, `feed`. */
  readonly protocol: string;
  /** Open now. */
  open: number;
  /** Told that the service stops. */
  told: number;
  /** Closed in order by the service. */
  closed: number;
  /** Cut, because they did not complete their close in time. */
  terminated: number;
  /** Broke their protocol, or their connection broke. */
  faulty: number;
}

/** What the lifecycle counts besides its work. */
export class Counters {
  /** Work that arrived after readiness went false. */
  lateArrivals = 0;
  /** Signals that came without a preStop hook or an operator's call before them. */
  sigtermWithoutPrestop = 0;
  /** Ends of drains by outcome: `completed`, `timeout`, `undone`. */
  readonly drains: Record<string, number> = { completed: 0, timeout: 0, undone: 0 };
  /** Cumulative counts per bucket of `DRAIN_BUCKETS`, the last one for +Inf. */
  readonly drainBuckets: number[] = Array.from({ length: DRAIN_BUCKETS.length + 1 }, () => 0);
  /** One entry for each server with long-lived peers. */
  readonly peers: PeerCounts[] = [];
  drainSum = 0;
  lastDrainSeconds = 0;

  /** Begins to count the peers of a server. */
  countPeers(protocol: string): PeerCounts {
    const counts = { protocol, open: 0, told: 0, closed: 0, terminated: 0, faulty: 0 };
    this.peers.push(counts);
    return counts;
  }

  drained(status: string, seconds: number): void {
    this.drains[status] = (this.drains[status] ?? 0) + 1;
    if (status === 'undone') return;
    this.lastDrainSeconds = seconds;
    this.drainSum += seconds;
    for (let i = 0; i < DRAIN_BUCKETS.length; i += 1)
      if (seconds <= DRAIN_BUCKETS[i]!) this.drainBuckets[i]! += 1;
    this.drainBuckets[DRAIN_BUCKETS.length]! += 1;
  }
}
