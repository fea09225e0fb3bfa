import type { Ledger } from './ledger.ts';

const MINIMUM = 20;
const QUANTILE = 0.9;

/**
 * When the last lease will probably have ended, in milliseconds from now: the longest of the
 * remaining times that nine in ten pieces of work of that kind and age kept to. `0` when nothing is
 * in flight; `null` with a reason while a kind in flight has too little data.
 */
export function estimateFinishMs(
  ledger: Ledger,
  quantile = QUANTILE,
): { ms: number | null; reason?: string } {
  const now = performance.now();
  const oldest = new Map<string, number>();
  for (const lease of ledger.leases)
    if (!oldest.has(lease.kind)) oldest.set(lease.kind, now - lease.startedMs);
  let longest = 0;
  for (const [kind, ageMs] of oldest) {
    const { durations, inFlight } = ledger.tally(kind);
    if (durations.count < MINIMUM)
      return {
        ms: null,
        reason: `only ${durations.count} of ${MINIMUM} measured durations of kind ${kind}`,
      };
    // The last of n ends late: each must keep to the n-th root of the share asked for.
    const each = quantile ** (1 / Math.max(1, inFlight));
    const young = durations.quantileMs(each);
    const old = durations.quantileMs(quantile, ageMs);
    if (young === null || old === null)
      return { ms: null, reason: `a lease of kind ${kind} is older than any that has ended` };
    longest = Math.max(longest, young, old - ageMs);
  }
  return { ms: longest };
}
