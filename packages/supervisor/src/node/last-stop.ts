import { OUTCOMES } from 'lastcall';
import type { Figures, FlightRecord } from 'lastcall/supervised';
import type { Worker } from '../core/model.ts';

/** How a process has ended. */
export interface Ending {
  code: number | null;
  signal: string | null;
}

/** What the worker last told of itself; nothing, when it is a program that does not. */
export interface Told {
  pid: number | undefined;
  figures: Figures | undefined;
}

/**
 * The record of a stop whose worker could not write one: it was killed, crashed, or is a program
 * that keeps none. It says what the supervisor saw, and what the worker last told of itself; what
 * that had in flight is lost. None for a worker that never came to serve.
 */
export function lastStop(
  { at }: Worker,
  { pid, figures }: Told,
  { code, signal }: Ending,
): FlightRecord | undefined {
  if (at.phase === 'starting' || at.phase === 'gone') return undefined;
  const retiring = at.phase === 'retiring';
  const nowMs = performance.now();
  const durationMs = retiring ? Math.round(nowMs - at.sinceMs) : 0;
  const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
  const outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
  outcomes.lost = figures?.inFlight ?? 0;
  const known = figures !== undefined;
  const clean = signal === null && code === 0;
  return {
    version: 1,
    name: 'service',
    pid: pid ?? 0,
    reason: retiring ? at.reason : how,
    result: signal === null ? 'stopped' : 'killed',
    startedAt: new Date(Date.now() - durationMs).toISOString(),
    durationMs,
    graceMs: retiring ? Math.max(0, Math.round(at.killAtMs - at.sinceMs)) : 0,
    phases: retiring ? [{ state: figures?.state ?? 'draining', atMs: 0, durationMs }] : [],
    inFlightAtStart: figures?.inFlight ?? 0,
    inFlightByKind: figures?.inFlightByKind ?? {},
    outcomes: outcomes as FlightRecord['outcomes'],
    refused: 0,
    lateArrivals: 0,
    estimate: {
      p50Ms: null,
      p90Ms: null,
      p99Ms: null,
      reason: known
        ? 'the worker ended before it could tell'
        : 'the program tells nothing of itself',
      factMs: null,
    },
    exitCode: code,
    failure: clean ? null : `the worker ${how} and left no record of its own`,
  };
}
