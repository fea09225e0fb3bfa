import { readFileSync, statSync } from 'node:fs';

/** The size of a log before the stop: only what comes later belongs to it. */
export function sizeOf(log: string | undefined): number {
  if (log === undefined) return 0;
  return statSync(log, { throwIfNoEntry: false })?.size ?? 0;
}

/** What the exit lines in the log say after `from`; undefined when there is none. */
export function readExitRecord(
  log: string | undefined,
  from: number,
): { lost: number; exitCode: number; line: string } | undefined {
  if (log === undefined) return undefined;
  const bytes = readFileSync(log);
  // A log that was rotated meanwhile begins anew.
  const text = bytes.subarray(bytes.length < from ? 0 : from).toString('utf8');
  const lines = [...text.matchAll(/lastcall: .* stopped after .*\blost (\d+)\b.*; exit (\d+)/g)];
  const [first] = lines;
  if (!first) return undefined;
  return {
    lost: lines.reduce((total, [, lost]) => total + Number(lost), 0),
    exitCode: Math.max(...lines.map(([, , code]) => Number(code))),
    line: lines.map(([line]) => line).join('\n'),
  };
}
