import { PlannerError } from '../errors.ts';
import { below, type Bucket, fromBuckets, get, parseUrl } from './histogram.ts';
import { METRIC } from './node.ts';
import type { Reading } from './read.ts';

export interface PrometheusQuery {
  /** Name of a histogram in seconds, without `_bucket`. */
  metric?: string;
  /** Label matchers: `kind="stream",job="api"`. */
  matchers?: string;
  /** How far back: `1d`, `6h`. */
  window?: string;
}

/** Reads a histogram of the whole service from a Prometheus server, with its rate. */
export async function readPrometheus(
  address: string,
  { metric = METRIC, matchers = '', window = '1d' }: PrometheusQuery = {},
): Promise<Reading> {
  const base = parseUrl(address);
  if (!/^[a-zA-Z_:][\w:]*$/.test(metric) || !/^\d+[smhdw]$/.test(window))
    throw new PlannerError(
      'ERR_PLANNER_OPTION',
      `expected the name of a histogram and a window such as 1d, got ${metric} and ${window}.`,
    );
  const url = below(base, '/api/v1/query');
  url.searchParams.set('query', `sum by (le) (rate(${metric}_bucket{${matchers}}[${window}]))`);
  const buckets = bucketsOf(await get(url), url);
  if (buckets.length === 0)
    throw new PlannerError(
      'ERR_PLANNER_INPUT',
      `${base.origin} knows no ${metric}_bucket{${matchers}} in the last ${window}.`,
    );
  if (buckets.some(({ le }) => Number.isNaN(le)))
    throw new PlannerError(
      'ERR_PLANNER_OPTION',
      `metric: expected the name of a histogram in seconds, got ${metric}, whose ${metric}_bucket has no label le.`,
    );
  const { durations, beyond } = fromBuckets(buckets, base.origin);
  const ratePerSecond = durations.count;
  return { durations, beyond, ratePerSecond, source: base.origin, read: NaN, skipped: 0 };
}

function bucketsOf(text: string, url: URL): Bucket[] {
  try {
    const { data } = JSON.parse(text) as {
      data: { result: { metric: { le?: string }; value: [number, string] }[] };
    };
    return data.result.map(({ metric: { le }, value }) => ({
      le: le === '+Inf' ? Infinity : Number(le),
      count: Number(value[1]),
    }));
  } catch (cause) {
    const start = text.slice(0, 60).replaceAll(/\s+/g, ' ');
    throw new PlannerError(
      'ERR_PLANNER_INPUT',
      `${url.origin}${url.pathname}: expected the answer of a Prometheus server, got ${start}`,
      { cause },
    );
  }
}
