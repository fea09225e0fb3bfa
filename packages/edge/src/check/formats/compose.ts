import { parseDurationMs } from 'lastcall';
import { splitWords, startFault } from '../command.ts';
import type { Cursor } from '../cursor.ts';
import { type Findings, seconds } from '../finding.ts';
import { serviceTimes, stopSum } from '../times.ts';

const ENDS_AT_ONCE = new Set(['SIGKILL', 'SIGQUIT', '9', '3']);
const DEFAULT_STOP_MS = 10_000;

/** LC3xx: the services of a compose file. */
export function checkCompose(root: Cursor, findings: Findings): void {
  for (const [name, at] of root.get('services').entries()) checkService(name, at, findings);
}

function checkService(name: string, at: Cursor, findings: Findings): void {
  const words = [...wordsOf(at.get('entrypoint')), ...wordsOf(at.get('command'))];
  const fault = startFault(words);
  if (fault)
    findings.add(
      fault.rule,
      at.get('command').spot,
      `Service ${name} is started by: ${fault.what}`,
    );
  const signal = at.get('stop_signal');
  if (ENDS_AT_ONCE.has(signal.text ?? ''))
    findings.add('LC302', signal.spot, `Service ${name} is stopped by ${signal.text}`, {
      edit: signal.replacement('SIGTERM'),
    });
  const times = serviceTimes(
    environment(at.get('environment')),
    words,
    [],
    at.get('env_file').exists,
  );
  if (at.get('ports').exists && !at.get('healthcheck').exists)
    findings.add('LC303', at.spot, `Service ${name} has no healthcheck`);
  const sum = stopSum(times, findings.options.marginMs);
  const period = at.get('stop_grace_period');
  const limitMs = period.exists ? composeSpanMs(period.text ?? '') : DEFAULT_STOP_MS;
  if (!sum || limitMs === undefined || sum.totalMs <= limitMs) return;
  const wanted = `${Math.ceil(sum.totalMs / 1_000)}s`;
  const first = at.entries()[0]?.[1];
  findings.add(
    'LC301',
    period.exists ? period.spot : at.spot,
    `Service ${name} needs ${seconds(sum.totalMs)} to stop, stop_grace_period${period.exists ? '' : ' (the default)'} is ${seconds(limitMs)}`,
    {
      arithmetic: `${sum.arithmetic} > ${seconds(limitMs)}`,
      edit: period.exists
        ? period.replacement(wanted)
        : first?.lineBefore(`stop_grace_period: ${wanted}`),
    },
  );
}

function wordsOf(at: Cursor): string[] {
  return at.text === undefined ? at.strings() : splitWords(at.text);
}

function environment(at: Cursor): Map<string, string | undefined> {
  const listed = at.list().map(({ text = '' }): [string, string | undefined] => {
    const [name = '', ...rest] = text.split('=');
    return [name, rest.length === 0 ? undefined : rest.join('=')];
  });
  return new Map(
    listed.length > 0 ? listed : at.entries().map(([key, value]) => [key, value.text]),
  );
}

/** `1m30s`, `45s`: the parts are added. */
function composeSpanMs(text: string): number | undefined {
  const parts = [...text.matchAll(/\d+(?:\.\d+)?(?:ms|s|m|h)/g)].map(([part]) => part);
  if (parts.length === 0 || parts.join('') !== text) return undefined;
  return parts.reduce((total, part) => total + (parseDurationMs(part) ?? 0), 0);
}
