// docs/reference/drill.md is held to the cases and to the configuration, in both directions.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadCases } from '../src/cases/load.ts';
import { parseConfig } from '../src/config/load.ts';
import { portNames, routeNames, variantNames } from '../src/config/needs.ts';
import { schema } from '../src/config/schema.ts';
import { referenceOfCases } from '../src/report/reference.ts';

const file = new URL('../../../docs/reference/drill.md', import.meta.url);
const text = readFileSync(file, 'utf8');
const [manual = '', cases = ''] = text.split('## The cases');

test('the section of the cases is the one that the cases write', async () => {
  assert.equal(
    `## The cases${cases}`.trimEnd(),
    referenceOfCases(await loadCases()).trimEnd(),
    'write it anew: lastcall drill --list --markdown',
  );
});

/** The words in code font in the first cells of the table that follows the heading text. */
function documented(heading: string): string[] {
  const section = manual.split(heading)[1] ?? '';
  const rows = section.split('\n\n').find((part) => part.startsWith('|')) ?? '';
  return rows
    .split('\n')
    .slice(2)
    .flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((one) => one[1] ?? ''),
    );
}

test('every key is documented, and no other', () => {
  assert.deepEqual(
    documented('alike: cases about').toSorted(),
    Object.keys(schema.shape).toSorted(),
  );
});

test('every route is documented, and no other', () => {
  assert.deepEqual(documented('are filled in.').toSorted(), routeNames.toSorted());
});

test('every variant and port is named', () => {
  for (const name of [...variantNames, ...portNames])
    assert(manual.includes(`\`${name}\``) || manual.includes(`{${name}}`), name);
});

test('the example is a valid drill.yaml', () => {
  const example = /```yaml\n([^]*?)```/.exec(manual)?.[1] ?? '';
  assert.equal(parseConfig(example, 'example').grace, 4000);
});
