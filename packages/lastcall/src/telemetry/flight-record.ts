import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
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

/** The file that stops are kept in, and how large it grows before it becomes `stops.1.jsonl`. */
const FILE = 'stops.jsonl';
const MAX_BYTES = 2 ** 20;

/** Appends one record to `stops.jsonl` in `dir`. Throws what the disk says. */
export function keepFlight(dir: string, record: object): void {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, FILE);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES)
    renameSync(path, join(dir, 'stops.1.jsonl'));
  appendFileSync(path, `${JSON.stringify(record)}\n`, { mode: 0o600 });
}
