// JUnit XML, as CI systems read it: a suite for each area.
import { reasonOf, reasons, type CaseResult, type DrillResult } from '../verdict/summary.ts';
import { escapeMarkup } from './escape.ts';

/** Why a case fails the drill. */
type Failing = ReadonlyMap<CaseResult, string>;

export function junitReport(result: DrillResult): string {
  const byArea = Map.groupBy(result.cases, (one) => one.case.slug.split('/')[0] ?? '');
  const failing: Failing = new Map(
    result.cases.flatMap((one) => {
      const reason = reasonOf(result, one);
      return reason === undefined ? [] : [[one, reason] as const];
    }),
  );
  // A drill can also fail as a whole, without any case of its own to blame.
  const whole = failing.size > 0 ? [] : reasons(result);
  const suites = [
    ...[...byArea].map(([area, cases]) => suite(area, cases, failing)),
    wholeSuite(whole),
  ];
  const count = result.cases.length + whole.length;
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n` +
    `<testsuites name="lastcall drill" tests="${count}" failures="${failing.size + whole.length}" time="${seconds(result.durationMs)}">\n` +
    `${suites.join('')}</testsuites>\n`
  );
}

function wholeSuite(why: readonly string[]): string {
  const cases = why.map(
    (reason) =>
      `    <testcase classname="drill" name="drill" time="0.000">\n      ${failure(reason, reason)}\n    </testcase>\n`,
  );
  return cases.length === 0
    ? ''
    : `  <testsuite name="drill" tests="${cases.length}" failures="${cases.length}" skipped="0">\n${cases.join('')}  </testsuite>\n`;
}

const failure = (message: string, text: string): string =>
  `<failure message="${escapeMarkup(message)}">${escapeMarkup(text)}</failure>`;

function suite(area: string, cases: readonly CaseResult[], failing: Failing): string {
  const failures = cases.filter((one) => failing.has(one)).length;
  const skipped = cases.filter((one) => isSkipped(one, failing)).length;
  return (
    `  <testsuite name="${escapeMarkup(area)}" tests="${cases.length}" failures="${failures}" skipped="${skipped}">\n` +
    `${cases.map((one) => testCase(one, failing)).join('')}  </testsuite>\n`
  );
}

/** A failed SHOULD that does not count is skipped with its reason, so that it stays visible. */
const isSkipped = (one: CaseResult, failing: Failing): boolean =>
  !failing.has(one) && ['not applicable', 'fail'].includes(one.verdict);

function testCase(one: CaseResult, failing: Failing): string {
  const [area = '', name = ''] = one.case.slug.split('/');
  const head = `    <testcase classname="${escapeMarkup(area)}" name="${escapeMarkup(name)}" time="${seconds(one.shown.durationMs)}"`;
  const reason = failing.get(one);
  if (reason !== undefined) {
    const message = one.verdict === 'fail' ? told(one) : reason;
    const output = one.shown.output === undefined ? '' : `\n${one.shown.output}`;
    const text = `${one.case.level}: ${one.case.sentence}\n${message}${output}`;
    return `${head}>\n      ${failure(message, text)}\n    </testcase>\n`;
  }
  if (isSkipped(one, failing)) {
    const why = one.verdict === 'fail' ? told(one) : (one.shown.actual ?? '');
    return `${head}>\n      <skipped message="${escapeMarkup(why)}"/>\n    </testcase>\n`;
  }
  return `${head}/>\n`;
}

const told = ({ shown }: CaseResult): string =>
  `expected ${shown.expected ?? 'otherwise'}; got ${shown.actual ?? ''}`;

const seconds = (ms: number): string => (ms / 1000).toFixed(3);
