import type { Reading } from './readers/read.ts';
import { expectRollout, type Rollout } from './rollout.ts';
import { simulate, type Simulated } from './simulate.ts';

export interface PlanRequest {
  reading: Reading;
  /** The grace is an outcome: none is given here. */
  rollout: Omit<Rollout, 'graceMs'>;
  /** The share of the work in flight that is to end within the grace, below 1. */
  share: number;
  /** Time after the deadline for cancelled work to unwind. */
  forceMs: number;
  /** Time left unused below the orchestrator's limit. */
  marginMs: number;
  seed?: number;
}

/** What one setting of the grace does. */
export interface Setting {
  graceMs: number;
  /** Share of the work in flight at the start of a drain that is handed over or cut off. */
  cutShare: number;
  /** The same in pieces of work, over a whole rollout. */
  cutPerRollout: number;
  /** Share of the stops in which nothing is cut off. */
  cleanStops: number;
}

export interface Plan {
  graceMs: number;
  /** preStop + grace + force + margin, in whole seconds. */
  terminationGraceSeconds: number;
  /** Work in flight on one node, on average (Little's law). */
  inFlightPerNode: number;
  settings: Setting[];
  simulated: Simulated;
  manifest: string;
}

const LADDER_MS = [1, 2, 5, 10, 15, 25, 30, 45, 60, 90, 120, 180, 300, 600].map((s) => s * 1_000);

const LEAST_MARGIN_MS = 1;

/** Sizes the grace, and simulates one rollout with it. Throws `ERR_PLANNER_OPTION`. */
export function makePlan(request: PlanRequest): Plan {
  const { reading, rollout, share, forceMs, marginMs, seed = 1 } = request;
  const { durations } = reading;
  const { leaveMs, preStopMs, nodes, ratePerSecond } = rollout;
  const graceMs = Math.ceil((leaveMs + durations.residualQuantileMs(share)) / 1_000) * 1_000;
  const chosen = { ...rollout, graceMs };
  expectRollout(chosen);
  const inFlightPerNode = (ratePerSecond / nodes) * (durations.meanMs / 1_000);
  const setting = (ms: number): Setting => {
    const cutShare = durations.residualSurvival(Math.max(0, ms - leaveMs));
    const cut = inFlightPerNode * cutShare;
    return { graceMs: ms, cutShare, cutPerRollout: cut * nodes, cleanStops: Math.exp(-cut) };
  };
  const others = LADDER_MS.filter((ms) => ms > leaveMs && ms >= graceMs / 20 && ms <= graceMs * 4);
  // Without a margin there is one all the same: a service refuses to end at the very moment of its kill.
  const neededMs = preStopMs + graceMs + forceMs + Math.max(marginMs, LEAST_MARGIN_MS);
  const terminationGraceSeconds = Math.ceil(neededMs / 1_000);
  return {
    graceMs,
    terminationGraceSeconds,
    inFlightPerNode,
    settings: [...new Set([...others, graceMs])].sort((a, b) => a - b).map(setting),
    simulated: simulate(durations, chosen, seed),
    manifest: manifestOf(chosen, terminationGraceSeconds, forceMs),
  };
}

/** The lines of a Deployment that follow from the plan. */
function manifestOf(rollout: Rollout, terminationGraceSeconds: number, forceMs: number): string {
  const { surge, unavailable, graceMs, leaveMs } = rollout;
  return `spec:
  strategy:
    rollingUpdate:
      maxSurge: ${surge}
      maxUnavailable: ${unavailable}
  template:
    spec:
      terminationGracePeriodSeconds: ${terminationGraceSeconds}
      containers:
        - env:
            - { name: GRACEFUL_SHUTDOWN_TIMEOUT, value: '${graceMs / 1_000}' }
            - { name: LASTCALL_LEAVE_MAX_MS, value: '${leaveMs}' }
            - { name: LASTCALL_FORCE_MS, value: '${forceMs}' }
            - { name: LASTCALL_KILL_AFTER_MS, value: '${terminationGraceSeconds * 1_000 - rollout.preStopMs}' }
`;
}
