import type { RuleCode } from '../check/rules/index.ts';
import type { Failure } from './load.ts';
import type { PodPlan } from './plan.ts';
import type { Pod } from './pod.ts';

/** Whose fault it was: a rule of `lastcall pod check`, or the service itself. */
export type Cause = RuleCode | 'SERVICE';

/** What the pods themselves show, whether or not a request was dropped. */
export function blamePod(pod: Pod, plan: PodPlan): Cause[] {
  const causes: (Cause | undefined)[] = [...pod.probeKills.map(blameProbe), blameHook(pod, plan)];
  if (pod.killedMs !== undefined) causes.push(blameKill(pod, plan));
  return causes.filter((cause) => cause !== undefined);
}

/** Why one request was dropped. */
export function blameFailure(failure: Failure, plan: PodPlan, pods: readonly Pod[]): Cause {
  const { pod, endedMs, startedMs } = failure;
  if (!pod) return blameAbsence(plan, pods);
  const kill = pod.probeKills.find(({ atMs }) => endedMs >= atMs);
  if (kill) return blameProbe(kill);
  if (pod.deletedMs === undefined || endedMs < pod.deletedMs)
    return plan.readiness ? 'SERVICE' : 'LC106';
  if (pod.killedMs !== undefined && endedMs >= pod.killedMs) return blameKill(pod, plan);
  if (plan.stopSignal === 'SIGKILL' || plan.stopSignal === 'SIGQUIT') return 'LC126';
  const hook = blameHook(pod, plan);
  if (hook) return hook;
  // Sent while proxies or clients still held on to the pod, to a process that took no work any more.
  const late = failure.fault === 'refused' || (failure.inEndpoints && startedMs >= pod.deletedMs);
  return late ? 'LC105' : 'SERVICE';
}

/** A pod that was ready once is killed by its liveness probe; one that never was, while it starts. */
const blameProbe = ({ wasReady }: { wasReady: boolean }): Cause => (wasReady ? 'LC107' : 'LC109');

function blameAbsence(plan: PodPlan, pods: readonly Pod[]): Cause {
  const kill = pods.flatMap(({ probeKills }) => probeKills)[0];
  if (kill) return blameProbe(kill);
  if (plan.recreate) return 'LC110';
  return plan.replicas === 1 ? 'LC111' : 'LC106';
}

function blameHook({ hook, hookCut }: Pod, plan: PodPlan): Cause | undefined {
  if (!hook || plan.preStop?.kind === undefined) return undefined;
  if (plan.preStop.kind !== 'http') return hookCut ? 'LC102' : undefined;
  if (hook.status === 405) return 'LC104';
  if (hook.status === 401 || hook.status === 403) return 'LC117';
  return hook.told.startsWith('no port') ? 'LC118' : undefined;
}

function blameKill(pod: Pod, plan: PodPlan): Cause {
  if (plan.periodMs === 0) return 'LC119';
  return plan.startFault ?? (blameHook(pod, plan) === 'LC102' ? 'LC102' : 'LC101');
}
