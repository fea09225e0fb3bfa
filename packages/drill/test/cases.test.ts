// What tests the cases themselves is in cases-*.test.ts, some areas to a file; here is that none is left out.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { areas } from '../src/case.ts';
import { loadCases } from '../src/cases/load.ts';
import { mutants } from './mutants.ts';

test('every judging case has a mutant, and every mutant a case', async () => {
  const judging = (await loadCases()).filter((one) => one.informational !== true);
  assert.deepEqual(judging.map((one) => one.slug).toSorted(), Object.keys(mutants).toSorted());
});

test('every area is tested in one of the files', () => {
  const folder = new URL('.', import.meta.url);
  const files = readdirSync(folder).filter((name) => /^cases-.*\.test\.ts$/.test(name));
  const tested = files.flatMap((name) => {
    const call = /testCases\(([^)]*)\)/.exec(readFileSync(new URL(name, folder), 'utf8'));
    return [...(call?.[1] ?? '').matchAll(/'(\w+)'/g)].map((one) => one[1] ?? '');
  });
  assert.deepEqual(tested.toSorted(), areas.toSorted());
});

test('what the good server can break is broken for some case, and nothing else is', () => {
  const folder = new URL('fixtures/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const known = new Set<string>();
  for (const name of files.filter((file) => file.endsWith('.ts'))) {
    const text = readFileSync(new URL(name, folder), 'utf8');
    for (const [, mutant = ''] of text.matchAll(/broken\('([a-z0-9-]+)'\)/g)) known.add(mutant);
    for (const [, mutant = ''] of text.matchAll(/brokenAt\(at, '([a-z0-9-]+)'\)/g)) {
      known.add(mutant).add(`admin-${mutant}`);
    }
  }
  assert.deepEqual([...known].toSorted(), [...new Set(Object.values(mutants).flat())].toSorted());
});
