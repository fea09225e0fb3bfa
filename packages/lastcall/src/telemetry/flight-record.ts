import type { Outcome } from '../ledger/outcome.ts';

export interface FlightPhase {
  /** `leaving`, `draining`, `cancelling`, `closing`, `stopped`; `ready` or `starting` after an undo. */
  state: string;
  /** Milliseconds since the stop began. */
  atMs: number;
  durationMs: number;
}

/** One stop, as it is kept on disk: one line of JSON. */
export interface FlightRecord {
  version: 1;
  name: string;
  pid: number;
  reason: string;
  /** `killed`: written by the supervisor, from what the process had told before. */
  result: 'stopped' | 'undone' | 'killed';
  /** ISO time. */
  startedAt: string;
  durationMs: number;
  /** From the start to the deadline, as it was in the end: a forced stop moves it. */
  graceMs: number;
  phases: FlightPhase[];
  inFlightAtStart: number;
  inFlightByKind: Record<string, number>;
  /** Ends of work during the stop, by outcome. */
  outcomes: Record<Outcome, number>;
  /** Work refused during the stop. */
  refused: number;
  /** Work that arrived after readiness went false, refused or not. */
  lateArrivals: number;
  /** What was expected when the drain began, and when the last work really ended after that. */
  estimate: {
    p50Ms: number | null;
    p90Ms: number | null;
    p99Ms: number | null;
    reason?: string;
    factMs: number | null;
  };
  /** `null` after an undo, and for a process that was killed. */
  exitCode: number | null;
  /** What failed in hooks. */
  failure: string | null;
}
