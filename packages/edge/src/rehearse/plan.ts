import { constants } from 'node:os';
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
  const stopSignal = at.get('lifecycle', 'stopSignal');
  if (stopSignal.exists && !Object.hasOwn(constants.signals, stopSignal.text ?? ''))
    throw refused(stopSignal, `there is no signal ${stopSignal.text}`);
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
    stopSignal: (stopSignal.text ?? 'SIGTERM') as NodeJS.Signals,
    periodMs: secondsMs(workload.podSpec.get('terminationGracePeriodSeconds'), 30, 0),
    // None is what an autoscaler may have left there.
    replicas: Math.max(1, whole(workload.at.get('spec', 'replicas'), 1, 0)),
    recreate: strategy === 'Recreate',
    startFault: startFault(words)?.rule,
  };
}

function readProbe(at: Cursor): Probe | undefined {
  if (!at.exists || at.value === null) return undefined;
  const call = readCall(at);
  if (!call || call.kind === 'sleep')
    throw new EdgeError(
      'ERR_EDGE_CONFIG',
      `${at.spot.file}:${at.spot.line}:${at.spot.column}: probes by httpGet, tcpSocket and exec are rehearsed; this is none.`,
    );
  return {
    call,
    delayMs: secondsMs(at.get('initialDelaySeconds'), 0, 0),
    periodMs: secondsMs(at.get('periodSeconds'), 10, 1),
    timeoutMs: secondsMs(at.get('timeoutSeconds'), 1, 1),
    failures: whole(at.get('failureThreshold'), 3, 1),
    successes: whole(at.get('successThreshold'), 1, 1),
  };
}

const refused = ({ spot: { file, line, column } }: Cursor, why: string): EdgeError =>
  new EdgeError('ERR_EDGE_CONFIG', `${file}:${line}:${column}: no cluster takes this: ${why}.`, {
    file,
    line,
    column,
  });

/** A number as the API server takes it. */
function whole(at: Cursor, fallback: number, least: number): number {
  if (!at.exists || at.value === null) return fallback;
  const { number } = at;
  if (number !== undefined && Number.isSafeInteger(number) && number >= least) return number;
  throw refused(at, `expected a whole number from ${least}, got ${JSON.stringify(at.value)}`);
}

/** The longest time that a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;

const secondsMs = (at: Cursor, fallback: number, least: number): number =>
  Math.min(whole(at, fallback, least) * 1_000, LONGEST_MS);

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
  if (at.get('exec').exists) {
    const command = at.get('exec', 'command').strings();
    if (command.length === 0) throw refused(at.get('exec'), 'exec has no command');
    return { kind: 'exec', command };
  }
  const asleep = at.get('sleep', 'seconds');
  return asleep.exists ? { kind: 'sleep', ms: secondsMs(asleep, 0, 0) } : undefined;
}
