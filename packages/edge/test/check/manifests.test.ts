import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkFiles, RULES } from '@lastcall/edge';

const folder = fileURLToPath(new URL('../manifests/', import.meta.url));
const bad = globSync(`${folder}bad/*`).sort();
const good = globSync(`${folder}good/*`).sort();

const expected = (file: string): string[] =>
  /^# expect: (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.split(' ') ?? [];

test('the folders hold at least 40 planted faults and 20 good files', () => {
  assert.ok(bad.length >= 40, `${bad.length} bad`);
  assert.ok(good.length >= 20, `${good.length} good`);
});

for (const file of bad)
  test(`finds what is planted in ${basename(file)}, and nothing else`, () => {
    const found = [...new Set(checkFiles([file]).map(({ rule }) => rule))].sort();
    assert.deepEqual(found, expected(file));
  });

for (const file of good)
  test(`finds nothing in ${basename(file)}`, () => {
    assert.deepEqual(checkFiles([file]), []);
  });

test('every rule has a planted fault', () => {
  const planted = new Set(bad.flatMap(expected));
  assert.deepEqual(
    Object.keys(RULES).filter((code) => !planted.has(code)),
    [],
  );
});
