import { type Findings, seconds } from '../finding.ts';
import { refusedAtBoot, type Sum, sumOf } from '../times.ts';
import type { Container } from './container.ts';
import type { Workload } from './workload.ts';

const DEFAULT_PERIOD_SECONDS = 30;

/** LC101, LC102, LC119, LC120, LC116, LC127: the times of a stop against the kubelet's clock. */
export function checkBudget({ podSpec, containers }: Workload, findings: Findings): void {
  for (const { at, name: container, times } of containers) {
    const arithmetic = refusedAtBoot(times);
    if (arithmetic !== undefined)
      findings.add('LC127', at.get('env').spot, `Container ${container} does not start`, {
        arithmetic,
      });
  }
  const period = podSpec.get('terminationGracePeriodSeconds');
  if (period.exists && period.number === undefined) return;
  const periodMs = (period.number ?? DEFAULT_PERIOD_SECONDS) * 1_000;
  const name = `terminationGracePeriodSeconds${period.exists ? '' : ' (the default)'}`;
  if (periodMs === 0) {
    findings.add(
      'LC119',
      period.spot,
      'Pods are killed at once: terminationGracePeriodSeconds is 0',
    );
    return;
  }
  let worst: { container: Container; sum: Sum } | undefined;
  for (const container of containers) {
    const { preStop } = container;
    waitsTwice(container, findings);
    if (preStop.sleepMs >= periodMs) {
      findings.add(
        'LC102',
        preStop.at.spot,
        `Container ${container.name}: the preStop hook sleeps for ${seconds(preStop.sleepMs)} of the ${seconds(periodMs)} that ${name} gives`,
        { arithmetic: `${seconds(preStop.sleepMs)} >= ${seconds(periodMs)}` },
      );
      continue;
    }
    const sum = needed(container, findings.options.marginMs);
    if (!sum) continue;
    if (!worst || sum.totalMs > worst.sum.totalMs) worst = { container, sum };
    probePeriod(container, sum, findings);
  }
  if (!worst || worst.sum.totalMs <= periodMs) return;
  const wanted = String(Math.ceil(worst.sum.totalMs / 1_000));
  findings.add(
    'LC101',
    period.exists ? period.spot : podSpec.get('containers').spot,
    `Container ${worst.container.name} needs ${seconds(worst.sum.totalMs)} to stop, ${name} is ${seconds(periodMs)}`,
    {
      arithmetic: `${worst.sum.arithmetic} > ${seconds(periodMs)}`,
      edit: period.exists
        ? period.replacement(wanted)
        : podSpec.get('containers').lineBefore(`terminationGracePeriodSeconds: ${wanted}`),
    },
  );
}

/** What the kubelet has to allow: the hook, then what is left of the stop. */
function needed({ preStop, times }: Container, marginMs: number): Sum | undefined {
  const { graceMs, graceFrom, forceMs } = times;
  if (graceMs === undefined) return undefined;
  const margin = ['margin', marginMs] as const;
  const force = forceMs > 0 ? ([['force', forceMs]] as const) : [];
  const started = preStop.kind === 'wait' || preStop.kind === 'drain';
  // A hook that starts the stop starts its clock: what it sleeps is no time of its own.
  if (!started) {
    const slept = preStop.sleepMs > 0 ? ([['preStop sleep', preStop.sleepMs]] as const) : [];
    return sumOf([...slept, [graceFrom, graceMs], ...force, margin]);
  }
  return preStop.sleepMs > graceMs + forceMs
    ? sumOf([['preStop sleep', preStop.sleepMs], margin])
    : sumOf([[`${graceFrom} (begins in the hook)`, graceMs], ...force, margin]);
}

function probePeriod(container: Container, sum: Sum, findings: Findings): void {
  const period = container.at.get('livenessProbe', 'terminationGracePeriodSeconds');
  if (period.number === undefined || period.number * 1_000 >= sum.totalMs) return;
  findings.add(
    'LC120',
    period.spot,
    `Container ${container.name}: a failed liveness probe gives ${period.number} s, the stop needs ${seconds(sum.totalMs)}`,
    {
      arithmetic: `${sum.arithmetic} > ${period.number} s`,
      edit: period.replacement(String(Math.ceil(sum.totalMs / 1_000))),
    },
  );
}

function waitsTwice({ name, preStop, times }: Container, findings: Findings): void {
  if (preStop.kind !== 'sleep' || times.leaveMinMs === 0) return;
  findings.add('LC116', preStop.at.spot, `Container ${name} waits twice before it drains`, {
    arithmetic: sumOf([
      ['preStop sleep', preStop.sleepMs],
      ['LASTCALL_LEAVE_MIN_MS', times.leaveMinMs],
    ]).arithmetic,
  });
}
