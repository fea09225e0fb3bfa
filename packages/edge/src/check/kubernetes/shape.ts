import type { Cursor } from '../cursor.ts';
import type { Findings } from '../finding.ts';
import type { Workload } from './workload.ts';

/** field -> where Kubernetes reads it */
const POD_FIELDS = ['terminationGracePeriodSeconds'];
const CONTAINER_FIELDS = ['readinessProbe', 'livenessProbe', 'startupProbe', 'lifecycle'];
const LIFECYCLE_FIELDS = ['preStop', 'postStart'];
const TIMES = ['periodSeconds', 'failureThreshold', 'initialDelaySeconds', 'timeoutSeconds'];

/** LC121 and LC122: fields that are dropped because of where they stand, and times that are no numbers. */
export function checkShape({ at, podSpec, containers, kind }: Workload, findings: Findings): void {
  const above = kind === 'Pod' ? [at] : [at, at.get('spec'), at.get('spec', 'template')];
  for (const place of above) {
    misplaced(place, POD_FIELDS, 'the pod spec', findings);
    misplaced(place, CONTAINER_FIELDS, 'the container', findings);
  }
  misplaced(podSpec, CONTAINER_FIELDS, 'the container', findings);
  misplaced(podSpec, LIFECYCLE_FIELDS, 'the lifecycle of the container', findings);
  whole(podSpec.get('terminationGracePeriodSeconds'), findings);
  for (const { at: container } of containers) {
    misplaced(container, POD_FIELDS, 'the pod spec', findings);
    misplaced(container, LIFECYCLE_FIELDS, 'the lifecycle of the container', findings);
    for (const probe of ['readinessProbe', 'livenessProbe', 'startupProbe'])
      for (const time of TIMES) {
        misplaced(container, [time], 'the probe', findings);
        whole(container.get(probe, time), findings);
        misplaced(container.get(probe, 'httpGet'), [time], 'the probe', findings);
      }
    whole(container.get('lifecycle', 'preStop', 'sleep', 'seconds'), findings);
  }
}

function misplaced(at: Cursor, fields: readonly string[], where: string, findings: Findings): void {
  for (const field of fields) {
    const found = at.get(field);
    if (!found.exists) continue;
    const { file, line } = found.spot;
    const told = findings.all.some(
      (finding) => finding.rule === 'LC121' && finding.line === line && finding.file === file,
    );
    if (!told)
      findings.add('LC121', found.spot, `${field} has no effect here: it belongs into ${where}`);
  }
}

function whole(at: Cursor, findings: Findings): void {
  if (!at.exists || Number.isInteger(at.number)) return;
  const digits = /^(\d+)s?$/.exec(String(at.value))?.[1];
  findings.add('LC122', at.spot, `Expected a whole number, got ${JSON.stringify(at.value)}`, {
    edit: digits === undefined ? undefined : at.replacement(digits),
  });
}
