import type { Edit, Finding } from './finding.ts';
import { replaceFile } from '../config/replace-file.ts';
import { readBytes } from '../read-text.ts';

/** Carries out the safe fixes; returns the findings that were fixed. */
export function fixFiles(findings: readonly Finding[]): Finding[] {
  const fixed: Finding[] = [];
  for (const [file, own] of Map.groupBy(findings, ({ file }) => file)) {
    const { text: before, encoding } = readBytes(file);
    let text = before;
    let from = Infinity;
    let last: Edit | undefined;
    const edits = own.filter(({ edit }) => edit !== undefined);
    // From the end, so that the places of the others stay true.
    for (const finding of edits.sort((a, b) => b.edit!.start - a.edit!.start)) {
      const edit = finding.edit!;
      const { start, end, text: replacement } = edit;
      const again = last?.start === start && last.end === end && last.text === replacement;
      if (end > from && !again) continue;
      fixed.push(finding);
      if (again) continue;
      last = edit;
      text = text.slice(0, start) + replacement + text.slice(end);
      from = start;
    }
    if (edits.length > 0) replaceFile(file, { text, encoding });
  }
  return fixed;
}
