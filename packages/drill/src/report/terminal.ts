// The result for people at a terminal: a line as each case ends, then the account.
import type { CaseResult, DrillResult } from '../verdict/summary.ts';
import { reasons } from '../verdict/summary.ts';
import { stripControls } from './escape.ts';

export interface Style {
  readonly color: boolean;
}

const codes: Readonly<Record<string, string>> = {
  pass: '32',
  fail: '31',
  'not applicable': '90',
  informational: '36',
};

function paint(text: string, code: string, style: Style): string {
  return style.color ? `\u001b[${code}m${text}\u001b[0m` : text;
}

const words: Readonly<Record<string, string>> = {
  pass: 'pass',
  fail: 'FAIL',
  'not applicable': 'n/a',
  informational: 'info',
};

/** One line, and the reason below it when there is one. */
export function caseLine(one: CaseResult, style: Style): string {
  const word = paint((words[one.verdict] ?? '').padEnd(4), codes[one.verdict] ?? '0', style);
  const level = one.case.level.padEnd(6);
  const runs = one.runs.length > 1 ? ` ${runsText(one)}` : '';
  const head = `${word}  ${level}  ${one.case.slug}${runs}`;
  const more: string[] = [];
  if (one.verdict === 'fail') {
    more.push(one.case.sentence);
    more.push(`expected ${one.shown.expected ?? ''}`, `got      ${one.shown.actual ?? ''}`);
  } else if (one.verdict === 'not applicable') {
    more.push(one.shown.actual ?? '');
  }
  if (one.case.load === true && one.totals.owed > 0) more.push(lossText(one));
  more.push(...one.shown.notes);
  return [head, ...more.map((line) => `              ${clean(line)}`)].join('\n');
}

/** How the runs of a case ended, in words. */
export function runsText({ runs, failedRuns, leftRuns }: CaseResult): string {
  const left = leftRuns === 0 ? '' : `, ${leftRuns} did not apply`;
  return `${failedRuns} of ${runs.length} runs failed${left}`;
}

/** The loss rate with its interval, in words. */
export function lossText(one: CaseResult): string {
  const { lost, owed } = one.totals;
  const low = rate(one.interval.low, 'floor');
  const high = rate(one.interval.high, 'ceil');
  const range = lost === 0 ? `below ${high}` : `between ${low} and ${high}`;
  return `lost ${lost} of ${owed} promises at risk: ${range}`;
}

/** Two digits, rounded down or up: a bound that was rounded inwards would not hold any more. */
function rate(value: number, round: 'floor' | 'ceil'): string {
  if (value < 0.001) {
    return `1 in ${round === 'ceil' ? Math.floor(1 / value) : Math.ceil(1 / value)}`;
  }
  const percent = value * 100;
  const step = 10 ** (Math.floor(Math.log10(percent)) - 1);
  // What is a whole number of steps but for the last bit stays so.
  const steps = Math[round](Number((percent / step).toPrecision(12)));
  return `${Number((steps * step).toPrecision(2))} %`;
}

/** What a server said goes to the terminal without its control characters, and short. */
const clean = (text: string): string => stripControls(text).replaceAll('\n', ' | ').slice(0, 300);

/** How many cases do not apply for which reason: told once, for a small server offers little. */
function whyNot({ cases }: DrillResult): string[] {
  const left = cases.filter((one) => one.verdict === 'not applicable');
  const byReason = Map.groupBy(left, (one) => one.shown.actual ?? '');
  const lines = [...byReason]
    .map(([why, ones]) => ({ why, count: ones.length }))
    .toSorted((a, b) => b.count - a.count)
    .map(({ why, count }) => `${String(count).padStart(5)}  ${clean(why)}`);
  return lines.length === 0
    ? []
    : ['', 'Cases that do not apply (--dry-run names those of each missing key):', ...lines];
}

/** The lines after the last case. */
export function closing(result: DrillResult, style: Style): string {
  const count = (verdict: string): number =>
    result.cases.filter((one) => one.verdict === verdict).length;
  const failed = result.cases.filter((one) => one.verdict === 'fail');
  const should = failed.filter((one) => one.case.level === 'SHOULD').length;
  const known = failed.filter((one) => result.knownFailing.has(one.case.slug)).length;
  const failures = reasons(result);
  const verdict = failures.length === 0 ? paint('PASS', '32', style) : paint('FAIL', '31', style);
  const lines = [
    ...whyNot(result),
    '',
    `${verdict}: ${count('pass')} passed, ${failed.length} failed (${should} of them SHOULD${known > 0 ? `, ${known} known` : ''}), ` +
      `${count('not applicable')} not applicable, ${count('informational')} informational, ` +
      `in ${(result.durationMs / 1000).toFixed(1)} s (seed ${result.seed}, confidence ${result.confidence})`,
    ...failures.map((reason) => `  ${reason}`),
  ];
  return lines.join('\n');
}
