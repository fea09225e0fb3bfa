// The list of cases that are known to fail, so that a gap that has closed is noticed.
import { readFileSync } from 'node:fs';
import { DrillError } from '../case.ts';
import { nearest } from '../config/nearest.ts';

/** One slug a line; blank lines and what follows a # are left out. */
export function loadKnownFailing(file: string, slugs: readonly string[]): Set<string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DrillError('KNOWN_FAILING_MISSING', `--known-failing: cannot read ${file}.`, {
      cause,
    });
  }
  const known = new Set<string>();
  text.split('\n').forEach((line, index) => {
    const slug = line.replace(/#.*/, '').trim();
    if (slug === '') return;
    if (!slugs.includes(slug)) {
      const near = nearest(slug, slugs);
      throw new DrillError(
        'KNOWN_FAILING_UNKNOWN',
        `${file}:${index + 1}: there is no case "${slug}".` +
          (near === undefined ? '' : ` Did you mean "${near}"?`),
      );
    }
    known.add(slug);
  });
  return known;
}
