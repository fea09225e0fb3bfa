import type { Cursor } from '../cursor.ts';
import { type Findings, seconds, type Spot } from '../finding.ts';
import type { Container } from './container.ts';
import { serves, type Workload } from './workload.ts';

const FAILS_WHILE_DRAINING = ['/ready', '/readyz', '/shutdown/status'];
const GOOD_WHILE_DRAINING = ['/health', '/v1/health', '/startup'];
const PROBES = ['readinessProbe', 'livenessProbe', 'startupProbe'] as const;

/** Probes: missing, pointed at the wrong path, too slow, or too quick for a slow start. */
export function checkProbes({ containers }: Workload, findings: Findings): void {
  for (const container of containers) {
    ports(container, findings);
    if (!serves(container)) continue;
    readiness(container, findings);
    liveness(container, findings);
  }
}

/** After how long a probe has changed the state of the pod. */
const noticedMs = (probe: Cursor): number =>
  (probe.get('periodSeconds').number ?? 10) * (probe.get('failureThreshold').number ?? 3) * 1_000;

const terms = (probe: Cursor): string =>
  `periodSeconds ${probe.get('periodSeconds').number ?? '10 (the default)'} x failureThreshold ${probe.get('failureThreshold').number ?? '3 (the default)'} = ${seconds(noticedMs(probe))}`;

function readiness({ at, name, times, preStop }: Container, findings: Findings): void {
  const probe = at.get('readinessProbe');
  if (!probe.exists) {
    findings.add('LC106', at.spot, `Container ${name} has no readinessProbe`);
    return;
  }
  if (!times.isLastcall) {
    if (preStop.kind === 'none')
      findings.add('LC105', at.spot, `Container ${name} has no preStop hook and no leave time`);
    return;
  }
  const asked = askedOf(probe, GOOD_WHILE_DRAINING);
  if (asked !== undefined)
    findings.add(
      'LC128',
      placeOf(probe),
      `Container ${name}: the readiness probe asks ${asked}, which answers 200 during a drain`,
      { edit: probe.get('httpGet', 'path').replacement('/ready') },
    );
  const started = preStop.kind === 'wait' || preStop.kind === 'drain';
  if (times.leaveMaxMs === 0) {
    if (preStop.sleepMs === 0)
      findings.add(
        'LC105',
        at.spot,
        `Container ${name}: LASTCALL_LEAVE_MAX_MS is 0 and no hook waits`,
      );
    return;
  }
  // However quick it is, it notices nothing.
  if (asked !== undefined) return;
  if (preStop.kind !== 'none' && !started) return;
  if (noticedMs(probe) <= times.leaveMaxMs) return;
  findings.add(
    'LC103',
    probe.spot,
    `Container ${name}: the probe notices after ${seconds(noticedMs(probe))} that it leaves, but it leaves for at most ${seconds(times.leaveMaxMs)}`,
    { arithmetic: `${terms(probe)} > LASTCALL_LEAVE_MAX_MS ${seconds(times.leaveMaxMs)}` },
  );
}

/** The path that a probe asks for, by itself or by a command, when it is one of `paths`. */
function askedOf(probe: Cursor, paths: readonly string[]): string | undefined {
  const path = probe.get('httpGet', 'path').text;
  if (path !== undefined) return paths.includes(path.replace(/\/?(\?.*)?$/, '')) ? path : undefined;
  const command = probe.get('exec', 'command').strings().join(' ');
  return new RegExp(`:\\d+(${paths.join('|')})(?![\\w/-])`).exec(command)?.[1];
}

const placeOf = (probe: Cursor): Spot => {
  const path = probe.get('httpGet', 'path');
  return path.exists ? path.spot : probe.get('exec').spot;
};

function liveness({ at, name, times }: Container, findings: Findings): void {
  const probe = at.get('livenessProbe');
  if (!probe.exists) {
    findings.add('LC108', at.spot, `Container ${name} has no livenessProbe`);
    return;
  }
  const asked = askedOf(probe, FAILS_WHILE_DRAINING);
  if (asked !== undefined) {
    const graceMs = times.graceMs ?? 0;
    findings.add(
      'LC107',
      placeOf(probe),
      `Container ${name}: the liveness probe asks ${asked}, which answers 503 during a drain`,
      {
        arithmetic: `${terms(probe)}${graceMs > 0 ? `; the drain may take ${seconds(graceMs)}` : ''}`,
        edit: times.isLastcall ? probe.get('httpGet', 'path').replacement('/health') : undefined,
      },
    );
  }
  const delayed = (probe.get('initialDelaySeconds').number ?? 0) > 0;
  if (!delayed && !at.get('startupProbe').exists)
    findings.add(
      'LC109',
      probe.spot,
      `Container ${name} is restarted when it takes longer than ${seconds(noticedMs(probe))} to start`,
      { arithmetic: terms(probe) },
    );
}

function ports({ at, name, preStop }: Container, findings: Findings): void {
  const declared = new Set(
    at
      .get('ports')
      .list()
      .map((port) => port.get('name').text),
  );
  for (const caller of [...PROBES.map((probe) => at.get(probe)), preStop.at])
    for (const kind of ['httpGet', 'tcpSocket']) {
      const port = caller.get(kind, 'port');
      if (typeof port.value !== 'string' || /^\d+$/.test(port.value) || declared.has(port.value))
        continue;
      findings.add('LC118', port.spot, `Container ${name} declares no port named ${port.value}`);
    }
}
