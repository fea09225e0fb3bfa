// From the runs of a case to its verdict, and from the verdicts to the drill's result.
import type { DrillCase } from '../case.ts';
import type { Totals } from '../engine/account.ts';
import type { RunResult, Verdict } from '../engine/run.ts';
import { type Interval, lossInterval, promisesNeeded } from './interval.ts';

export interface CaseResult {
  readonly case: DrillCase;
  readonly verdict: Verdict;
  readonly runs: readonly RunResult[];
  /** The run to show: the first that failed, or else the first. */
  readonly shown: RunResult;
  readonly failedRuns: number;
  /** Runs in which nothing could be asked. */
  readonly leftRuns: number;
  /** Promises at risk, over all runs. */
  readonly totals: Totals;
  readonly interval: Interval;
}

export function summarize(
  drillCase: DrillCase,
  runs: readonly RunResult[],
  confidence: number,
): CaseResult {
  const failed = runs.filter((run) => run.verdict === 'fail');
  const shown = failed[0] ?? runs.find((run) => run.verdict === 'pass') ?? runs[0];
  if (shown === undefined) throw new Error(`${drillCase.slug} was not run.`);
  const totals = { owed: 0, answered: 0, refused: 0, lost: 0 };
  for (const run of runs) {
    for (const key of ['owed', 'answered', 'refused', 'lost'] as const) {
      totals[key] += run.totals[key];
    }
  }
  return {
    case: drillCase,
    verdict: shown.verdict,
    runs,
    shown,
    failedRuns: failed.length,
    leftRuns: runs.filter((run) => run.verdict === 'not applicable').length,
    totals,
    interval: lossInterval(totals.lost, totals.owed, confidence),
  };
}

export interface DrillResult {
  readonly cases: readonly CaseResult[];
  readonly seed: number;
  readonly confidence: number;
  /** The loss rate that was to be shown of each load case. */
  readonly lossBelow?: number;
  readonly strict: boolean;
  readonly knownFailing: ReadonlySet<string>;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly command: string;
}

/** Why this case fails the drill; undefined when it does not. */
export function reasonOf(result: DrillResult, one: CaseResult): string | undefined {
  const { slug, level } = one.case;
  const known = result.knownFailing.has(slug);
  const counts = !known && (level === 'MUST' || result.strict);
  if (one.verdict === 'fail' && counts) return `${slug} (${level}) fails`;
  const unshown = one.verdict === 'pass' && counts ? notShown(result, one) : undefined;
  if (unshown !== undefined) return `${slug} (${level}): ${unshown}`;
  if (one.verdict === 'pass' && known) {
    return `${slug} is listed as known to fail, but passes: take it off the list`;
  }
  return undefined;
}

/** Why a rate that was to be shown was not, although nothing was lost. */
function notShown(
  { lossBelow, confidence }: DrillResult,
  { case: { load }, totals }: CaseResult,
): string | undefined {
  if (load !== true || lossBelow === undefined) return undefined;
  const needed = promisesNeeded(lossBelow, confidence);
  if (totals.owed >= needed) return undefined;
  return (
    `a loss below ${lossBelow} was not shown: ${totals.owed} of ${needed} promises were at risk ` +
    'when three stops in a row put none there'
  );
}

/** Why the drill as a whole fails; empty when it passes. */
export function reasons(result: DrillResult): string[] {
  if (result.cases.every((one) => one.verdict === 'not applicable')) {
    return ['no case applies, so nothing was asked of the server'];
  }
  return result.cases.flatMap((one) => reasonOf(result, one) ?? []);
}
