import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bug } from '../model/state.ts';
import { search } from '../model/search.ts';

test('no order of drains, kills, cuts and late owners breaks the protocol', (t) => {
  const { states, transitions, violation } = search('none', { steps: 2, faults: 2, drains: 2 });
  t.diagnostic(`${states} states, ${transitions} transitions`);
  assert.equal(violation, undefined, JSON.stringify(violation, undefined, 1));
  assert.ok(states > 10_000);
});

const planted: [Bug, RegExp][] = [
  ['no fence', /at most one owner acts|events of the work/],
  ['repeat after checkpoint', /none twice/],
  ['read before commit', /a reader has been given/],
  ['effect without key', /an effect happens once/],
  ['number used again', /can still be completed/],
  ['answer of the dead', /can still be completed/],
];
for (const [bug, rule] of planted)
  test(`a planted bug is found: ${bug}`, () => {
    const { violation } = search(bug, { steps: 1, faults: 2, drains: 1 });
    assert.match(violation?.rule ?? 'none found', rule);
    assert.ok((violation?.trace.length ?? 0) > 0);
  });
