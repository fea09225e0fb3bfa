import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ERRORS, OPTIONS } from 'lastcall';
import { PAGES } from './reference.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

for (const [file, page] of Object.entries(PAGES))
  test(`docs/reference/${file} says what the code says`, () => {
    assert.equal(
      readFileSync(`${root}docs/reference/${file}`, 'utf8'),
      page(),
      'run: node_modules/.bin/node scripts/reference.ts',
    );
  });

const sources = globSync('packages/lastcall/src/**/*.ts', { cwd: root })
  .filter((file) => !file.endsWith('errors.ts'))
  .map((file) => readFileSync(root + file, 'utf8'))
  .join('\n');

test('every error code of the table is used, and every code used is in the table', () => {
  const used = new Set(sources.match(/ERR_LASTCALL_[A-Z_]+/g));
  assert.deepEqual([...used].sort(), Object.keys(ERRORS).sort());
});

test('every option is read by the library', () => {
  const readers = globSync('packages/lastcall/src/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('src/options.ts'))
    .map((file) => readFileSync(root + file, 'utf8'))
    .join('\n');
  for (const name of Object.keys(OPTIONS))
    assert.match(readers, new RegExp(`\\b${name}\\b`), `${name} is read by nothing`);
});
