// JUnit XML, as CI systems read it: a suite for each area.
import { reasonOf, type CaseResult, type DrillResult } from '../verdict/summary.ts';
import { escapeMarkup } from './escape.ts';

export function junitReport(result: DrillResult): string {
  const byArea = Map.groupBy(result.cases, (one) => one.case.slug.split('/')[0] ?? '');
  const failing = new Set(
    result.cases
      .filter((one) => reasonOf(result, one) !== undefined)
      .map((one): string => one.case.slug),
  );
  const suites = [...byArea].map(([area, cases]) => suite(area, cases, failing));
  const count = result.cases.length;
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n` +
    `<testsuites name="lastcall drill" tests="${count}" failures="${failing.size}" time="${seconds(result.durationMs)}">\n` +
    `${suites.join('')}</testsuites>\n`
  );
}

function suite(area: string, cases: readonly CaseResult[], failing: ReadonlySet<string>): string {
  const failures = cases.filter((one) => failing.has(one.case.slug)).length;
  const skipped = cases.filter((one) => isSkipped(one, failing)).length;
  return (
    `  <testsuite name="${escapeMarkup(area)}" tests="${cases.length}" failures="${failures}" skipped="${skipped}">\n` +
    `${cases.map((one) => testCase(one, failing)).join('')}  </testsuite>\n`
  );
}

/** A failed SHOULD that does not count is skipped with its reason, so that it stays visible. */
const isSkipped = (one: CaseResult, failing: ReadonlySet<string>): boolean =>
  !failing.has(one.case.slug) && ['not applicable', 'fail'].includes(one.verdict);

function testCase(one: CaseResult, failing: ReadonlySet<string>): string {
  const [area = '', name = ''] = one.case.slug.split('/');
  const head = `    <testcase classname="${escapeMarkup(area)}" name="${escapeMarkup(name)}" time="${seconds(one.shown.durationMs)}"`;
  const text = `${one.case.level}: ${one.case.sentence}`;
  const told = `expected ${one.shown.expected ?? 'otherwise'}; got ${one.shown.actual ?? one.verdict}`;
  if (failing.has(one.case.slug)) {
    const output = one.shown.output === undefined ? '' : `\n${one.shown.output}`;
    return `${head}>\n      <failure message="${escapeMarkup(told)}">${escapeMarkup(`${text}\n${told}${output}`)}</failure>\n    </testcase>\n`;
  }
  if (isSkipped(one, failing)) {
    const why = one.verdict === 'fail' ? told : (one.shown.actual ?? '');
    return `${head}>\n      <skipped message="${escapeMarkup(why)}"/>\n    </testcase>\n`;
  }
  return `${head}/>\n`;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3);
