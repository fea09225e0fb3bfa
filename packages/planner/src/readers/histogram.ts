import { unescape } from 'node:querystring';
import { Distribution } from '../distribution.ts';
import { PlannerError } from '../errors.ts';

/** One bucket of a Prometheus histogram, its edge in seconds, its count that of all up to the edge. */
export interface Bucket {
  le: number;
  count: number;
}

/** Work of which a histogram tells only that it takes longer than its last edge. */
export interface Beyond {
  edgeMs: number;
  /** Of all its work. */
  share: number;
}

/**
 * The durations behind a histogram. Inside a bucket they are taken to be even over the logarithm;
 * those above the last finite edge to be twice as long as that edge, and how many these are is told.
 */
export function fromBuckets(
  buckets: Bucket[],
  source: string,
): { durations: Distribution; beyond: Beyond | null } {
  const durations = new Distribution();
  let [below, edge, beyond] = [0, 0, 0];
  for (const { le, count } of buckets.toSorted((a, b) => a.le - b.le)) {
    const weight = count - below;
    if (weight > 0) {
      if (le < Infinity) durations.addBetween(edge * 1_000, le * 1_000, weight);
      else durations.add(2 * edge * 1_000, (beyond = weight));
      below = count;
    }
    if (le !== Infinity) edge = le;
  }
  if (!(durations.count > 0))
    throw new PlannerError(
      'ERR_PLANNER_INPUT',
      `${source}: the histogram holds no request yet. Let the service work for a while.`,
    );
  if (edge === 0)
    throw new PlannerError(
      'ERR_PLANNER_INPUT',
      `${source}: the histogram has no bucket with a finite edge, so it tells no duration.`,
    );
  if (beyond === 0) return { durations, beyond: null };
  return { durations, beyond: { edgeMs: edge * 1_000, share: beyond / durations.count } };
}

/** Gets a page within 10 s. Throws `ERR_PLANNER_INPUT` with what went wrong. */
export async function get(address: URL): Promise<string> {
  const url = new URL(address);
  const headers = new Headers();
  if (url.username !== '' || url.password !== '') {
    // Unlike decodeURIComponent it takes a percent sign that begins no escape for itself.
    const pair = `${unescape(url.username)}:${unescape(url.password)}`;
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
    // Neither sent nor shown as a part of the address.
    [url.username, url.password] = ['', ''];
  }
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
    const text = await response.text();
    if (!response.ok) throw new Error(`it answered ${response.status}: ${text.slice(0, 200)}`);
    return text;
  } catch (cause) {
    const { message, cause: deeper } = cause as Error;
    const why = deeper instanceof Error ? deeper.message : message;
    throw new PlannerError('ERR_PLANNER_INPUT', `${url.origin}: ${why}.`, { cause });
  }
}

/** An address below another one, which may itself be below a prefix of a proxy. */
export const below = (url: URL, path: string): URL =>
  new URL(url.pathname.replace(/\/+$/, '') + path, url);

/** Throws `ERR_PLANNER_INPUT` for what is no address. */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new PlannerError(
    'ERR_PLANNER_INPUT',
    `expected an address such as http://127.0.0.1:9090, got ${text}.`,
  );
}
