import type { Ledger } from '../ledger/ledger.ts';
import { OUTCOMES, type Outcome } from '../ledger/outcome.ts';
import type { FlightRecord } from '../telemetry/flight-record.ts';
import type { Hooks } from './hooks.ts';
import type { Stop } from './stop.ts';

/** The account of one stop. */
export interface StopRecord {
  reason: string;
  /** ISO time. */
  startedAt: string;
  durationMs: number;
  inFlightAtStart: number;
  /** Ends of all work since the process began, by outcome. */
  outcomes: Record<Outcome, number>;
  refused: number;
  lost: number;
  exitCode: ExitCode;
  /** What failed in hooks; undefined when nothing did. */
  failure: AggregateError | undefined;
  /** What was expected of the drain, and how long it took. */
  estimate?: FlightRecord['estimate'];
}

/** 0 all well, 1 fatal error or failed hook, 3 work was cancelled at the deadline, 4 forced. */
export type ExitCode = 0 | 1 | 3 | 4;

export function makeRecord(stop: Stop, ledger: Ledger, hooks: Hooks): StopRecord {
  const outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
    Outcome,
    number
  >;
  let refused = 0;
  for (const tally of ledger.tallies) {
    refused += tally.refused;
    for (const outcome of OUTCOMES) outcomes[outcome] += tally.outcomes[outcome];
  }
  const failure = hooks.failure();
  return {
    reason: stop.reason,
    startedAt: stop.startedAt.toISOString(),
    durationMs: Math.round(performance.now() - stop.startedMs),
    inFlightAtStart: stop.inFlightAtStart,
    outcomes,
    refused,
    lost: outcomes.lost,
    exitCode: exitCode(stop, outcomes.lost, failure),
    failure,
  };
}

function exitCode(stop: Stop, lost: number, failure: AggregateError | undefined): ExitCode {
  if (stop.fatal !== undefined) return 1;
  if (stop.forced) return 4;
  if (stop.cancelled > 0 || lost > 0) return 3;
  return failure ? 1 : 0;
}

/** The one line that is printed when the process ends. */
export function exitLine(name: string, record: StopRecord): string {
  const ends = OUTCOMES.filter((outcome) => outcome === 'lost' || record.outcomes[outcome] > 0).map(
    (outcome) => `${outcome} ${record.outcomes[outcome]}`,
  );
  const seconds = (record.durationMs / 1_000).toFixed(2);
  const failed = record.failure ? `; ${record.failure.message}` : '';
  return `lastcall: ${name} stopped after ${seconds} s (${record.reason}): ${ends.join(', ')}, refused ${record.refused}; exit ${record.exitCode}${expected(record.estimate)}${failed}`;
}

/** The estimate against the fact; nothing while there was no estimate, or nothing to wait for. */
function expected(estimate: FlightRecord['estimate'] | undefined): string {
  const { p90Ms = null, factMs = null } = estimate ?? {};
  if (p90Ms === null || factMs === null || p90Ms === 0) return '';
  return `; drained in ${(factMs / 1_000).toFixed(2)} s (p90 was ${(p90Ms / 1_000).toFixed(2)} s)`;
}
