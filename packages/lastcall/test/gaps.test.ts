import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './suite/behaves.ts';

test('of the behaviour suite: a failure fails, a declared gap does not, one that has closed does', () => {
  const failure = new Error('lost 1');
  assert.throws(() => judge(failure, undefined), failure);
  judge(undefined, undefined);
  judge(failure, 'cannot be had');
  assert.throws(() => judge(undefined, 'cannot be had'), /has closed[^]*cannot be had/);
});
