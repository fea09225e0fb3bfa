import type { Stays } from 'lastcall/supervised';
import type { Fleet } from '../fleet.ts';

/** Counts of a node that outlive its supervisor, besides the metrics. */
export interface Counts {
  /** Leases held by workers when they were killed. */
  killedLeases: number;
  /** Connections that other workers have taken over. */
  moved: number;
  /** Connections that stayed with a worker that retired, by reason. */
  stayed: Partial<Record<Stays, number>>;
}

export const noCounts = (): Counts => ({ killedLeases: 0, moved: 0, stayed: {} });

/** A supervisor of an earlier version tells fewer of them. */
export function addCounts(
  into: Counts,
  { killedLeases = 0, moved = 0, stayed = {} }: Partial<Counts>,
): void {
  into.killedLeases += killedLeases;
  into.moved += moved;
  for (const [reason, count] of Object.entries(stayed) as [Stays, number][])
    into.stayed[reason] = (into.stayed[reason] ?? 0) + count;
}

/** Since the first supervisor of this node was started. */
export function countsOf({ before, killedLeases, moves }: Fleet): Counts {
  const counts = noCounts();
  addCounts(counts, before);
  addCounts(counts, { killedLeases, moved: moves.moved, stayed: moves.stayed });
  return counts;
}
