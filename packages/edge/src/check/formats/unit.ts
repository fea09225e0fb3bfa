import { parseSystemdSpanMs, parseUnit, type Setting } from '../../config/unit.ts';
import { splitWords, startFault } from '../command.ts';
import { type Edit, type Findings, seconds, type Spot } from '../finding.ts';
import { serviceTimes, stopSum } from '../times.ts';

const ENDS_AT_ONCE = new Set(['SIGKILL', 'SIGQUIT', 'KILL', 'QUIT', '9', '3']);
/** systemd's own DefaultTimeoutStopSec. */
const DEFAULT_STOP_MS = 90_000;

/** LC2xx: a systemd service. */
export function checkUnit(text: string, file: string, findings: Findings): void {
  const settings = parseUnit(text, file).filter(({ section }) => section === 'Service');
  const start = last(settings, 'ExecStart');
  if (!start) return;
  const spotOf = (setting: Setting): Spot => ({ file, ...setting.position });
  const words = splitWords(start.value.replace(/^[@\-:+!]+/, ''));
  const fault = startFault(words);
  if (fault) findings.add(fault.rule, spotOf(start), `The service is started by: ${fault.what}`);
  stopTime(settings, words, start, spotOf, findings);

  const mode = last(settings, 'KillMode');
  if (mode?.value === 'none' || mode?.value === 'process')
    findings.add('LC202', spotOf(mode), `KillMode=${mode.value} leaves workers behind`, {
      edit: replacement(mode, 'mixed'),
    });
  else if (mode?.value !== 'mixed' && words.some((word) => /(^|\/)lastcall$/.test(word)))
    findings.add('LC205', spotOf(mode ?? start), 'The workers get SIGTERM past their manager');
  const signal = last(settings, 'KillSignal');
  if (signal && ENDS_AT_ONCE.has(signal.value))
    findings.add('LC203', spotOf(signal), `The service is stopped by ${signal.value}`, {
      edit: replacement(signal, 'SIGTERM'),
    });
  for (const stop of settings.filter(({ name }) => name === 'ExecStop'))
    if (/\bkill\b.*(-9|-KILL|-s\s*(SIG)?KILL)/.test(stop.value))
      findings.add('LC204', spotOf(stop), `ExecStop kills the service: ${stop.value}`);
}

function stopTime(
  settings: readonly Setting[],
  words: readonly string[],
  start: Setting,
  spotOf: (setting: Setting) => Spot,
  findings: Findings,
): void {
  const times = serviceTimes(
    environment(settings),
    words,
    [],
    settings.some(({ name }) => name === 'EnvironmentFile'),
  );
  const sum = stopSum(times, findings.options.marginMs);
  const setting = last(settings, 'TimeoutStopSec') ?? last(settings, 'TimeoutSec');
  const limitMs = setting ? parseSystemdSpanMs(setting.value) : DEFAULT_STOP_MS;
  // 0 means no limit.
  if (!sum || limitMs === undefined || limitMs === 0 || sum.totalMs <= limitMs) return;
  findings.add(
    'LC201',
    spotOf(setting ?? start),
    `The service needs ${seconds(sum.totalMs)} to stop, ${setting?.name ?? 'TimeoutStopSec (the default)'} is ${seconds(limitMs)}`,
    {
      arithmetic: `${sum.arithmetic} > ${seconds(limitMs)}`,
      edit: setting && replacement(setting, String(Math.ceil(sum.totalMs / 1_000))),
    },
  );
}

const last = (settings: readonly Setting[], name: string): Setting | undefined =>
  settings.findLast((setting) => setting.name === name);

const replacement = ({ start, end }: Setting, text: string): Edit => ({ start, end, text });

function environment(settings: readonly Setting[]): Map<string, string> {
  const pairs = settings
    .filter(({ name }) => name === 'Environment')
    .flatMap(({ value }) => splitWords(value))
    .map((pair): [string, string] => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
  return new Map(pairs);
}
