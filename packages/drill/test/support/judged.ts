// What became of cases, short enough to read in a test that failed.
import type { CaseResult } from '../../src/verdict/summary.ts';

export const judged = (cases: readonly CaseResult[]): string[] =>
  cases.map(
    ({ case: { slug }, verdict, shown }) =>
      `${slug}: ${verdict}${shown.actual === undefined ? '' : `: expected ${shown.expected}; got ${shown.actual}`}`,
  );
