import { estimateFinish } from '../ledger/estimate.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { OUTCOMES } from '../ledger/outcome.ts';
import type { Tally } from '../ledger/tally.ts';
import { type Counters, DRAIN_BUCKETS } from './counters.ts';
import { type Family, renderFamilies } from './exposition.ts';

/** What the metrics are made from. */
export interface Facts {
  ledger: Ledger;
  counters: Counters;
  state: string;
  states: readonly string[];
  forcedKills: number;
}

const PEER_ENDINGS = ['told', 'closed', 'terminated', 'faulty'] as const;

/** All metric families of one process. */
export function collect({ ledger, counters, state, states, forcedKills }: Facts): Family[] {
  const tallies = [...ledger.tallies];
  return [
    {
      name: 'in_flight_requests',
      type: 'gauge',
      help: 'Work admitted and not finished, by kind.',
      samples: tallies.map(({ kind, inFlight }) => ({ labels: { kind }, value: inFlight })),
    },
    {
      name: 'drain_duration_seconds',
      type: 'histogram',
      help: 'Time from the start of a stop until no work was left.',
      samples: drainHistogram(counters),
    },
    {
      name: 'drain_duration',
      type: 'gauge',
      help: 'Duration of the last drain, in seconds.',
      samples: [{ labels: {}, value: counters.lastDrainSeconds }],
    },
    {
      name: 'graceful_shutdown_count',
      type: 'counter',
      help: 'Drains that ended, by outcome.',
      samples: Object.entries(counters.drains).map(([outcome, value]) => ({
        labels: { outcome },
        value,
      })),
    },
    {
      name: 'forced_kill_count',
      type: 'counter',
      help: 'Processes of this service that were killed before they had stopped.',
      samples: [{ labels: {}, value: forcedKills }],
    },
    {
      name: 'lastcall_work_total',
      type: 'counter',
      help: 'Work that ended, by kind and outcome.',
      samples: tallies.flatMap(({ kind, outcomes }) =>
        OUTCOMES.map((outcome) => ({ labels: { kind, outcome }, value: outcomes[outcome] })),
      ),
    },
    {
      name: 'lastcall_work_duration_seconds',
      type: 'histogram',
      help: 'How long completed work took, by kind.',
      samples: tallies.flatMap(workHistogram),
    },
    {
      name: 'lastcall_refused_total',
      type: 'counter',
      help: 'Work that was refused, by kind.',
      samples: tallies.map(({ kind, refused }) => ({ labels: { kind }, value: refused })),
    },
    {
      name: 'lastcall_state',
      type: 'gauge',
      help: '1 for the state that the lifecycle is in, 0 for the others.',
      samples: states.map((name) => ({ labels: { state: name }, value: name === state ? 1 : 0 })),
    },
    {
      name: 'lastcall_drain_estimate_seconds',
      type: 'gauge',
      help: 'How long a drain would take if it began now; NaN while there is too little data.',
      samples: estimates(ledger),
    },
    {
      name: 'lastcall_open_peers',
      type: 'gauge',
      help: 'Open WebSockets, event feeds and TCP connections, by protocol.',
      samples: peerSamples(counters, 'open'),
    },
    {
      name: 'lastcall_peers_total',
      type: 'counter',
      help: 'What became of those peers: told of a stop, closed in order, cut, or faulty.',
      samples: PEER_ENDINGS.flatMap((ending) =>
        peerSamples(counters, ending).map(({ labels, value }) => ({
          labels: { ...labels, ending },
          value,
        })),
      ),
    },
    {
      name: 'lastcall_late_arrivals_total',
      type: 'counter',
      help: 'Work that arrived after readiness went false.',
      samples: [{ labels: {}, value: counters.lateArrivals }],
    },
    {
      name: 'lastcall_sigterm_without_prestop_total',
      type: 'counter',
      help: 'Stop signals that no preStop hook and no operator had announced.',
      samples: [{ labels: {}, value: counters.sigtermWithoutPrestop }],
    },
  ];
}

/** The metrics in the Prometheus text format. */
export function renderMetrics(facts: Facts): string {
  return renderFamilies(collect(facts));
}

/** One count of the peers, summed over the servers of each protocol. */
function peerSamples(
  { peers }: Counters,
  count: 'open' | (typeof PEER_ENDINGS)[number],
): Family['samples'] {
  const sums = new Map<string, number>();
  for (const counts of peers)
    sums.set(counts.protocol, (sums.get(counts.protocol) ?? 0) + counts[count]);
  return [...sums].map(([protocol, value]) => ({ labels: { protocol }, value }));
}

function estimates(ledger: Ledger): Family['samples'] {
  const { p50Ms, p90Ms, p99Ms } = estimateFinish(ledger);
  const quantiles = { '0.5': p50Ms, '0.9': p90Ms, '0.99': p99Ms };
  return Object.entries(quantiles).map(([quantile, ms]) => ({
    labels: { quantile },
    value: (ms ?? Number.NaN) / 1_000,
  }));
}

function workHistogram({ kind, durations: { octaves, sumMs } }: Tally): Family['samples'] {
  let below = 0;
  // The last octave holds what took longer as well, which only +Inf can say.
  const buckets = Array.from(octaves.subarray(0, -1), (count, i) => {
    below += count;
    return { suffix: '_bucket', labels: { kind, le: String(2 ** (i + 1) / 1_000) }, value: below };
  });
  const labels = { kind };
  const all = below + (octaves.at(-1) ?? 0);
  return [
    ...buckets,
    { suffix: '_bucket', labels: { kind, le: '+Inf' }, value: all },
    { suffix: '_sum', labels, value: sumMs / 1_000 },
    { suffix: '_count', labels, value: all },
  ];
}

function drainHistogram(counters: Counters): Family['samples'] {
  const buckets = [...DRAIN_BUCKETS.map(String), '+Inf'].map((le, i) => ({
    suffix: '_bucket',
    labels: { le },
    value: counters.drainBuckets[i] ?? 0,
  }));
  const count = counters.drainBuckets.at(-1) ?? 0;
  return [
    ...buckets,
    { suffix: '_sum', labels: {}, value: counters.drainSum },
    { suffix: '_count', labels: {}, value: count },
  ];
}
