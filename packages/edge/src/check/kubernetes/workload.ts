import type { Cursor } from '../cursor.ts';
import { type Container, readContainer } from './container.ts';

/** A thing that makes pods, as far as stopping them is concerned. */
export interface Workload {
  at: Cursor;
  kind: string;
  name: string;
  namespace: string;
  podSpec: Cursor;
  labels: Record<string, string>;
  containers: Container[];
  /** undefined: not a thing with replicas. */
  replicas: number | undefined;
}

const WITH_TEMPLATE = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']);

export function readWorkload(at: Cursor): Workload | undefined {
  const kind = at.get('kind').text ?? '';
  const isPod = kind === 'Pod';
  if (!isPod && !WITH_TEMPLATE.has(kind)) return undefined;
  const template = isPod ? at : at.get('spec', 'template');
  const podSpec = template.get('spec');
  return {
    at,
    kind,
    name: at.get('metadata', 'name').text ?? '(no name)',
    namespace: at.get('metadata', 'namespace').text ?? 'default',
    podSpec,
    labels: template.get('metadata', 'labels').record(),
    containers: podSpec.get('containers').list().map(readContainer),
    replicas: isPod || kind === 'DaemonSet' ? undefined : (at.get('spec', 'replicas').number ?? 1),
  };
}

/** A container that others call: it has a port or a readiness probe. */
export const serves = ({ at }: Container): boolean =>
  at.get('ports').list().length > 0 || at.get('readinessProbe').exists;
