import { startFault } from '../check/command.ts';
import { type Cursor, readYaml } from '../check/cursor.ts';
import { readWorkload } from '../check/kubernetes/workload.ts';
import { readText } from '../read-text.ts';
import type { RuleCode } from '../check/rules/index.ts';
import { EdgeError } from '../errors.ts';

/** What a probe or a hook does. */
export type Call =
  | { kind: 'http'; path: string; port: string | undefined; headers: Record<string, string> }
  | { kind: 'tcp'; port: string | undefined }
  | { kind: 'exec'; command: string[] }
  | { kind: 'sleep'; ms: number };

export interface Probe {
  call: Call;
  delayMs: number;
  periodMs: number;
  timeoutMs: number;
  failures: number;
  successes: number;
}

/** One Deployment, as far as it is rehearsed: its first container. */
export interface PodPlan {
  name: string;
  command: string[];
  env: Record<string, string>;
  /** Name -> number of the declared ports. */
  ports: Record<string, number>;
  startup: Probe | undefined;
  readiness: Probe | undefined;
  liveness: Probe | undefined;
  preStop: Call | undefined;
  stopSignal: NodeJS.Signals;
  periodMs: number;
  replicas: number;
  recreate: boolean;
  /** What the command line alone does wrong, for the blame. */
  startFault: RuleCode | undefined;
}

/** Reads the Deployment of a manifest. Throws `ERR_EDGE_CONFIG` or `ERR_EDGE_SYNTAX`. */
export function readPodPlan(file: string, command: readonly string[] = []): PodPlan {
  const workloads = readYaml(readText(file), file).flatMap((at) => readWorkload(at) ?? []);
  const workload = workloads.find(({ kind }) => kind === 'Deployment');
  const container = workload?.containers[0];
  if (!workload || !container)
    throw new EdgeError(
      'ERR_EDGE_CONFIG',
      `${file} has no Deployment with a container to rehearse.`,
    );
  const words = command.length > 0 ? [...command] : container.words;
  if (words.length === 0)
    throw new EdgeError(
      'ERR_EDGE_CONFIG',
      `${file}: the container has no command, and its image is not run here. Give the command after "--".`,
    );
  const { at } = container;
  const strategy = workload.at.get('spec', 'strategy', 'type').text;
  return {
    name: workload.name,
    command: words,
    env: Object.fromEntries(
      at
        .get('env')
        .list()
        .flatMap((entry) => {
          const { text } = entry.get('value');
          return text === undefined ? [] : [[entry.get('name').text ?? '', text]];
        }),
    ),
    ports: Object.fromEntries(
      at
        .get('ports')
        .list()
        .map((port) => [port.get('name').text ?? '', port.get('containerPort').number ?? 0]),
    ),
    startup: readProbe(at.get('startupProbe')),
    readiness: readProbe(at.get('readinessProbe')),
    liveness: readProbe(at.get('livenessProbe')),
    preStop: readCall(at.get('lifecycle', 'preStop')),
    stopSignal: (at.get('lifecycle', 'stopSignal').text ?? 'SIGTERM') as NodeJS.Signals,
    periodMs: (workload.podSpec.get('terminationGracePeriodSeconds').number ?? 30) * 1_000,
    replicas: workload.replicas ?? 1,
    recreate: strategy === 'Recreate',
    startFault: startFault(words)?.rule,
  };
}

function readProbe(at: Cursor): Probe | undefined {
  const call = readCall(at);
  if (!call) return undefined;
  const seconds = (name: string, fallback: number): number =>
    (at.get(name).number ?? fallback) * 1_000;
  return {
    call,
    delayMs: seconds('initialDelaySeconds', 0),
    periodMs: seconds('periodSeconds', 10),
    timeoutMs: seconds('timeoutSeconds', 1),
    failures: at.get('failureThreshold').number ?? 3,
    successes: at.get('successThreshold').number ?? 1,
  };
}

function readCall(at: Cursor): Call | undefined {
  const path = at.get('httpGet', 'path').text;
  if (path !== undefined) {
    const headers = at
      .get('httpGet', 'httpHeaders')
      .list()
      .map((header) => [header.get('name').text ?? '', header.get('value').text ?? '']);
    return {
      kind: 'http',
      path,
      port: at.get('httpGet', 'port').text,
      headers: Object.fromEntries(headers) as Record<string, string>,
    };
  }
  if (at.get('tcpSocket').exists) return { kind: 'tcp', port: at.get('tcpSocket', 'port').text };
  if (at.get('exec').exists) return { kind: 'exec', command: at.get('exec', 'command').strings() };
  const asleep = at.get('sleep', 'seconds').number;
  return asleep === undefined ? undefined : { kind: 'sleep', ms: asleep * 1_000 };
}
