import { estimateFinish, finishCurveMs } from '../ledger/estimate.ts';
import type { FinishCurve } from '../ledger/finish-curve.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { STATES, type State } from '../lifecycle/state.ts';
import type { DrainResult } from '../lifecycle/stop.ts';
import { renderMetrics } from '../telemetry/metrics.ts';

/** The facts that the endpoints answer with. */
export interface NodeStatus {
  state: State;
  /** How long it has been up; a supervisor of an earlier version does not tell. */
  uptimeMs?: number;
  inFlight: number;
  inFlightByKind: Record<string, number>;
  /** Seconds since the stop began; 0 while there is none. */
  shutdownSeconds: number;
  deadlineAt: Date | undefined;
  /** The time within which nine in ten such drains end; null while there is too little data. */
  estimateMs: number | null;
  /** Why there is no estimate; a worker of an earlier version does not tell. */
  reason?: string;
  /** The same at each of `CHANCES`. */
  curveMs: FinishCurve | null;
}

/**
 * What the endpoints speak for: one process, or, under a supervisor, the whole node. Each call may
 * be answered later.
 */
export interface NodeControl {
  status(): NodeStatus | Promise<NodeStatus>;
  /** Begins to stop without ending the process; returns the status after it. */
  begin(how: 'initiate' | 'drain', reason: string): NodeStatus | Promise<NodeStatus>;
  /** Begins to stop unless it has begun, and waits for the result. */
  wait(reason: string): Promise<DrainResult>;
  /** Undoes a stop; returns whether there was one. Throws `ERR_LASTCALL_STATE` when it is too late. */
  reset(): boolean | Promise<boolean>;
  metrics(): string | Promise<string>;
}

/** The node that is this one process. */
export function localNode(
  lifecycle: Lifecycle,
  { forcedKills }: { forcedKills: number } = lifecycle.killRecord,
): NodeControl {
  const status = (): NodeStatus => {
    const { p90Ms, reason } = estimateFinish(lifecycle.ledger);
    return {
      state: lifecycle.state,
      uptimeMs: performance.now() - lifecycle.startedMs,
      inFlight: lifecycle.inFlight,
      inFlightByKind: lifecycle.ledger.inFlightByKind(),
      shutdownSeconds: lifecycle.currentStop?.durationSeconds ?? 0,
      deadlineAt: lifecycle.currentStop?.deadlineAt,
      estimateMs: p90Ms,
      ...(reason === undefined ? {} : { reason }),
      curveMs: finishCurveMs(lifecycle.ledger),
    };
  };
  return {
    status,
    begin(how, reason) {
      void lifecycle[how]({ reason });
      return status();
    },
    wait: (reason) => lifecycle.initiate({ reason }),
    reset: () => lifecycle.resume(),
    metrics: () =>
      renderMetrics({
        ledger: lifecycle.ledger,
        counters: lifecycle.counters,
        state: lifecycle.state,
        states: STATES,
        forcedKills,
      }),
  };
}
