import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Prose paragraphs of a markdown text: code, tables, comments and mark-up characters are left out. Texts come
 * from clients as well: no pattern may look through the rest of a text again from each of its characters.
 */
export function prose(markdown: string): string[] {
  return markdown
    .replaceAll(/^(```|~~~)[\s\S]*?^\1.*$/gm, '')
    .replaceAll(/<!--[\s\S]*?(?:-->|$)/g, '')
    .replaceAll(/!?\[([^[\]]*)\]\([^()]*\)/g, '$1')
    .replaceAll(/^[ \t]*\|.*$/gm, '')
    .replaceAll(/^[ \t]*(?:[-*+]|\d+\.|>)\s+/gm, '\n\n')
    .replaceAll(/^#+ .*$/gm, '')
    .replaceAll(/(?<!\w)[*`_]+(?=\S)|(?<=\S)[*`_]+(?!\w)/g, '')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replaceAll(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph.includes(' '));
}

/** The project's own documents: the app's corpus folder, and the checkout's README.md and docs/. */
export function corpusFiles(appFolder: string, checkout: string): string[] {
  const files = [
    ...globSync('corpus/**/*.md', { cwd: appFolder }).map((file) => join(appFolder, file)),
    join(checkout, 'README.md'),
    ...globSync('docs/**/*.md', { cwd: checkout }).map((file) => join(checkout, file)),
  ];
  return files.filter((file) => existsSync(file)).sort();
}

/** Their paragraphs. */
export function readCorpus(appFolder: string, checkout: string): string[] {
  return corpusFiles(appFolder, checkout).flatMap((file) => prose(readFileSync(file, 'utf8')));
}
