import { PlannerError } from '../errors.ts';
import { below, fromBuckets, get, parseUrl } from './histogram.ts';
import type { Reading } from './read.ts';

export const METRIC = 'lastcall_work_duration_seconds';

/** Reads what a running node has measured since it started, from its `/metrics`. */
export async function readNode(address: string, kind?: string): Promise<Reading> {
  const url = parseUrl(address);
  const text = await get(below(url, '/metrics'));
  const counts = new Map<number, number>();
  const line = new RegExp(`^${METRIC}_bucket\\{([^}]*)\\} (\\S+)$`, 'gm');
  for (const [, labels = '', value] of text.matchAll(line)) {
    const le = /\ble="([^"]+)"/.exec(labels)?.[1];
    if (kind !== undefined && !labels.includes(`kind="${kind}"`)) continue;
    const edge = le === '+Inf' ? Infinity : Number(le);
    counts.set(edge, (counts.get(edge) ?? 0) + Number(value));
  }
  if (counts.size === 0)
    throw new PlannerError(
      'ERR_PLANNER_INPUT',
      `${url.origin}/metrics has no ${METRIC}${kind === undefined ? '' : ` of kind ${kind}`}. Is it a node of this version?`,
    );
  const { durations, beyond } = fromBuckets(
    Array.from(counts, ([le, count]) => ({ le, count })),
    url.origin,
  );
  const read = durations.count;
  return { durations, beyond, ratePerSecond: null, source: url.origin, read, skipped: 0 };
}
