// The result for other programs.
import type { CaseResult, DrillResult } from '../verdict/summary.ts';
import { reasons } from '../verdict/summary.ts';

export function jsonReport(result: DrillResult): string {
  const failures = reasons(result);
  return `${JSON.stringify(
    {
      command: result.command,
      started_at: result.startedAt.toISOString(),
      duration_ms: Math.round(result.durationMs),
      seed: result.seed,
      confidence: result.confidence,
      loss_below: result.lossBelow,
      strict: result.strict,
      passed: failures.length === 0,
      reasons: failures,
      cases: result.cases.map(caseJson),
    },
    undefined,
    2,
  )}\n`;
}

function caseJson(one: CaseResult): unknown {
  return {
    slug: one.case.slug,
    level: one.case.level,
    sentence: one.case.sentence,
    source: one.case.source,
    verdict: one.verdict,
    expected: one.shown.expected,
    actual: one.shown.actual,
    notes: one.shown.notes,
    runs: one.runs.length,
    failed_runs: one.failedRuns,
    not_applicable_runs: one.leftRuns,
    duration_ms: Math.round(one.shown.durationMs),
    promises: one.totals,
    loss_rate: one.totals.owed === 0 ? null : one.totals.lost / one.totals.owed,
    loss_interval: one.totals.owed === 0 ? null : [one.interval.low, one.interval.high],
    timeline: one.shown.timeline && {
      marks: one.shown.timeline.marks,
      lanes: one.shown.timeline.lanes,
    },
    output: one.shown.output,
  };
}
