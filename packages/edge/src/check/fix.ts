import type { Finding } from './finding.ts';
import { replaceFile } from '../config/replace-file.ts';
import { readBytes } from '../read-text.ts';

/** Carries out the safe fixes; returns the findings that were fixed. */
export function fixFiles(findings: readonly Finding[]): Finding[] {
  const fixed: Finding[] = [];
  for (const [file, own] of Map.groupBy(findings, ({ file }) => file)) {
    const { text: before, encoding } = readBytes(file);
    let text = before;
    let from = Infinity;
    const edits = own.filter(({ edit }) => edit !== undefined);
    // From the end, so that the places of the others stay true.
    for (const finding of edits.sort((a, b) => b.edit!.start - a.edit!.start)) {
      const { start, end, text: replacement } = finding.edit!;
      if (end > from) continue;
      text = text.slice(0, start) + replacement + text.slice(end);
      from = start;
      fixed.push(finding);
    }
    if (edits.length > 0) replaceFile(file, { text, encoding });
  }
  return fixed;
}
