import { estimateOf } from 'lastcall/supervised';
import type { NodeState } from '../core/model.ts';
import type { Fleet } from '../fleet.ts';
import { sumFigures } from './figures.ts';

/** What the supervisor counts itself, in the Prometheus text format. */
export function ownMetrics(node: NodeState, fleet: Fleet, reloads: Record<string, number>): string {
  const phases = ['starting', 'proving', 'serving', 'retiring'] as const;
  const inPhase = (phase: string): number =>
    node.workers.filter(({ at }) => at.phase === phase).length;
  return [
    family(
      'lastcall_workers',
      'gauge',
      'Workers of the node, by phase.',
      phases.map((phase) => [`{phase="${phase}"}`, inPhase(phase)]),
    ),
    family(
      'lastcall_worker_restarts_total',
      'counter',
      'Workers started in place of another, by reason.',
      counts('reason', fleet.restarts),
    ),
    family(
      'lastcall_reloads_total',
      'counter',
      'Reloads that ended, by result.',
      counts('result', reloads),
    ),
    family(
      'lastcall_moved_total',
      'counter',
      'Open connections that another worker has taken over.',
      [['', fleet.moves.moved]],
    ),
    family(
      'lastcall_stayed_total',
      'counter',
      'Open connections that could not be moved from a worker that retired, by reason.',
      counts('reason', fleet.moves.stayed),
    ),
    family(
      'forced_kill_count',
      'counter',
      'Processes of this service that were killed before they had stopped.',
      [['', fleet.forcedKills + (fleet.recordedKills ?? 0)]],
    ),
    family(
      'lastcall_killed_leases_total',
      'counter',
      'Leases that workers held when they were killed.',
      [['', fleet.killedLeases]],
    ),
    estimates(fleet),
  ].join('');
}

/** For the node: later than those of its workers, so it stands where the latest of them counts. */
function estimates({ processes }: Fleet): string {
  const figures = [...processes.values()].flatMap((process) => process.figures ?? []);
  if (figures.length === 0) return '';
  const { p50Ms, p90Ms, p99Ms } = estimateOf(sumFigures(figures, []).curveMs ?? null);
  const quantiles = { '0.5': p50Ms, '0.9': p90Ms, '0.99': p99Ms };
  return family(
    'lastcall_drain_estimate_seconds',
    'gauge',
    'How long a drain would take if it began now; NaN while there is too little data.',
    Object.entries(quantiles).map(([quantile, ms]) => [
      `{quantile="${quantile}"}`,
      (ms ?? Number.NaN) / 1_000,
    ]),
  );
}

const counts = (label: string, values: Record<string, number>): [string, number][] =>
  Object.entries(values).map(([value, count]) => [`{${label}="${value}"}`, count]);

const family = (name: string, type: string, help: string, samples: [string, number][]): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map(([labels, value]) => `${name}${labels} ${value}\n`).join('')}`;
