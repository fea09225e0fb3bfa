import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { pages } from '../support/pages.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

test('every rule has its page, and every page its rule', () => {
  const made = pages();
  const found = globSync('docs/reference/{pod-check.md,pod-check/*.md}', { cwd: root });
  assert.deepEqual(found.sort(), [...made.keys()].sort());
  for (const [path, text] of made) assert.equal(readFileSync(root + path, 'utf8'), text, path);
});
