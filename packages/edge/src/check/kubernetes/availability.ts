import type { Cursor } from '../cursor.ts';
import type { Findings } from '../finding.ts';
import type { Workload } from './workload.ts';

/** Rollouts, replicas, disruption budgets, autoscalers and services: whether somebody stays in service. */
export function checkAvailability(
  workloads: readonly Workload[],
  others: readonly Cursor[],
  findings: Findings,
): void {
  const scalers = others.filter((at) => at.get('kind').text === 'HorizontalPodAutoscaler');
  for (const workload of workloads) checkRollout(workload, scalers, findings);
  for (const scaler of scalers) checkScaler(scaler, findings);
  for (const at of others) {
    const kind = at.get('kind').text;
    if (kind === 'PodDisruptionBudget') checkDisruptionBudget(at, workloads, scalers, findings);
    const unready = at.get('spec', 'publishNotReadyAddresses');
    if (kind === 'Service' && unready.value === true && at.get('spec', 'clusterIP').text !== 'None')
      findings.add('LC123', unready.spot, `Service ${nameOf(at)} sends work to draining pods`, {
        edit: unready.replacement('false'),
      });
  }
}

const namespaceOf = (at: Cursor): string => at.get('metadata', 'namespace').text ?? 'default';
const nameOf = (at: Cursor): string => at.get('metadata', 'name').text ?? '(no name)';

/** The fewest replicas that the workload may have; an autoscaler decides where there is one. */
function fewest(workload: Workload, scalers: readonly Cursor[]): number {
  const scaler = scalerOf(workload, scalers);
  if (scaler) return scaler.get('spec', 'minReplicas').number ?? 1;
  return workload.replicas ?? 1;
}

function scalerOf(
  { namespace, kind, name }: Workload,
  scalers: readonly Cursor[],
): Cursor | undefined {
  return scalers.find((scaler) => {
    const target = scaler.get('spec', 'scaleTargetRef');
    return (
      namespaceOf(scaler) === namespace &&
      target.get('name').text === name &&
      target.get('kind').text === kind
    );
  });
}

/** `25%` or `2` of `total`; Kubernetes rounds what may be missing down, what must be there up. */
function share(at: Cursor, total: number, round: (value: number) => number): number | undefined {
  if (at.number !== undefined) return at.number;
  const percent = /^(\d+)%$/.exec(at.text ?? '')?.[1];
  return percent === undefined ? undefined : round((Number(percent) * total) / 100);
}

function checkRollout(workload: Workload, scalers: readonly Cursor[], findings: Findings): void {
  const { at, kind, name } = workload;
  if (workload.replicas === undefined || kind === 'ReplicaSet') return;
  const replicas = fewest(workload, scalers);
  if (replicas === 1 && !scalerOf(workload, scalers))
    findings.add('LC111', at.get('spec', 'replicas').spot, `${kind} ${name} has one replica`);
  if (kind !== 'Deployment') return;
  const type = at.get('spec', 'strategy', 'type');
  if (type.text === 'Recreate') {
    findings.add('LC110', type.spot, `Deployment ${name} stops every pod before it starts one`);
    return;
  }
  const most = at.get('spec', 'strategy', 'rollingUpdate', 'maxUnavailable');
  const gone = share(most, replicas, Math.floor) ?? 0;
  if (gone > 0 && gone >= replicas)
    findings.add('LC110', most.spot, `Deployment ${name} may be without a pod during a rollout`, {
      arithmetic: `maxUnavailable ${most.text} of ${replicas} replicas = ${gone}; ${replicas} - ${gone} = ${replicas - gone} in service`,
    });
}

function checkScaler(scaler: Cursor, findings: Findings): void {
  const least = scaler.get('spec', 'minReplicas');
  if ((least.number ?? 1) <= 1)
    findings.add(
      'LC125',
      least.spot,
      `HorizontalPodAutoscaler ${nameOf(scaler)} may leave one replica`,
    );
  const down = scaler.get('spec', 'behavior', 'scaleDown');
  const window = down.get('stabilizationWindowSeconds');
  const policies = down.get('policies').list();
  const all =
    policies.length === 0 ||
    policies.some(
      (policy) => policy.get('type').text === 'Percent' && (policy.get('value').number ?? 0) >= 100,
    );
  if (window.number === 0 && all && down.get('selectPolicy').text !== 'Disabled')
    findings.add(
      'LC124',
      window.spot,
      `HorizontalPodAutoscaler ${nameOf(scaler)} may drain all spare pods at once`,
      { arithmetic: 'window 0 s, 100 % per step' },
    );
}

function checkDisruptionBudget(
  at: Cursor,
  workloads: readonly Workload[],
  scalers: readonly Cursor[],
  findings: Findings,
): void {
  const labels = Object.entries(at.get('spec', 'selector', 'matchLabels').record());
  const selected = workloads.filter(
    (workload) =>
      workload.namespace === namespaceOf(at) &&
      labels.length > 0 &&
      labels.every(([key, value]) => workload.labels[key] === value),
  );
  const least = at.get('spec', 'minAvailable');
  const most = at.get('spec', 'maxUnavailable');
  if (selected.length === 0 && labels.length > 0 && workloads.length > 0)
    findings.add(
      'LC115',
      at.get('spec', 'selector').spot,
      `PodDisruptionBudget ${nameOf(at)} selects no pod of these files`,
    );
  // The disruption controller counts the pods of all of them together.
  const counted = selected.length > 0 && selected.every((one) => one.replicas !== undefined);
  const replicas = counted
    ? selected.reduce((sum, one) => sum + fewest(one, scalers), 0)
    : undefined;
  if (most.number === 0 || most.text === '0%' || least.text === '100%')
    findings.add(
      'LC114',
      (most.exists ? most : least).spot,
      `PodDisruptionBudget ${nameOf(at)} allows no disruption`,
      {
        arithmetic: most.exists ? `maxUnavailable ${most.text}` : 'minAvailable 100%',
      },
    );
  else if (replicas !== undefined && least.exists) {
    const needed = share(least, replicas, Math.ceil) ?? 0;
    if (needed >= replicas)
      findings.add('LC114', least.spot, `PodDisruptionBudget ${nameOf(at)} allows no disruption`, {
        arithmetic: `${replicas} replicas - minAvailable ${needed} = ${Math.max(0, replicas - needed)} that may go`,
      });
  }
}
