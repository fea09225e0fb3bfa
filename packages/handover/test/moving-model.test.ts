import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MovingBounds, MovingBug } from '../model/moving-state.ts';
import { searchMoving } from '../model/search-moving.ts';

const bounds = { events: 2, moves: 2, kills: 2 };
for (const [how, within] of [
  ['moves, kills, refusals, take-backs and reloads', bounds],
  ['the same over two supervisors, of which one replaces the other,', { ...bounds, upgrade: true }],
] as [string, MovingBounds][])
  test(`no order of ${how} breaks a moving stream`, (t) => {
    const { states, violation } = searchMoving('none', within);
    t.diagnostic(`${states} states`);
    assert.equal(violation, undefined, JSON.stringify(violation, undefined, 1));
    assert.ok(states > 10_000);
  });

const planted: [MovingBug, RegExp, upgrade?: true][] = [
  ['writes before go', /none twice|one process writes/],
  ['state before the last write', /none twice/],
  ['moves without numbers', /can still get every event/],
  ['back after go', /one process writes|has the connection/],
  ['silence of the old', /can still get every event/],
  ['silence of the successor', /can still get every event/],
  ['silence of the supervisor', /can still get every event/],
  ['silence of the other supervisor', /can still get every event/, true],
  ['the second relay answers for the first', /one process writes/, true],
];
for (const [bug, rule, upgrade = false] of planted)
  test(`a planted bug is found: ${bug}`, () => {
    const { violation } = searchMoving(bug, { ...bounds, kills: 1, upgrade });
    assert.match(violation?.rule ?? 'none found', rule);
    assert.ok((violation?.trace.length ?? 0) > 0);
  });
