import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MovingBug } from '../model/moving.ts';
import { searchMoving } from '../model/search-moving.ts';

test('no order of moves, kills, refusals, take-backs and reloads breaks a moving stream', (t) => {
  const { states, violation } = searchMoving('none', { events: 2, moves: 2, kills: 2 });
  t.diagnostic(`${states} states`);
  assert.equal(violation, undefined, JSON.stringify(violation, undefined, 1));
  assert.ok(states > 1_000);
});

const planted: [MovingBug, RegExp][] = [
  ['writes before go', /none twice|one process writes/],
  ['state before the last write', /none twice/],
  ['moves without numbers', /can still get every event/],
  ['back after go', /one process writes|has the connection/],
  ['silence of the old', /can still get every event/],
  ['silence of the successor', /can still get every event/],
];
for (const [bug, rule] of planted)
  test(`a planted bug is found: ${bug}`, () => {
    const { violation } = searchMoving(bug, { events: 2, moves: 2, kills: 1 });
    assert.match(violation?.rule ?? 'none found', rule);
    assert.ok((violation?.trace.length ?? 0) > 0);
  });
