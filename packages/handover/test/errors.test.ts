import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPassing } from '@lastcall/handover';

const coded = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code });

test('which errors waiting may cure', () => {
  for (const code of ['08006', '57P01', '57P03', '53300', '40001', '40P01', '55P03', '25006'])
    assert.ok(isPassing(coded(code)), code);
  for (const code of [
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ENOTFOUND',
    'EHOSTUNREACH',
    'EAI_AGAIN',
  ])
    assert.ok(isPassing(coded(code)), code);
  for (const message of ['Connection terminated unexpectedly', 'Query read timeout'])
    assert.ok(isPassing(new Error(message)), message);
  for (const code of [
    '22P05',
    '23505',
    '28P01',
    '42P01',
    'ERR_INVALID_ARG_TYPE',
    'ERR_HANDOVER_NEWER',
  ])
    assert.ok(!isPassing(coded(code)), code);
  assert.ok(!isPassing(new TypeError(`Converting circular structure: constructor 'Timeout'`)));
  assert.ok(!isPassing(new RangeError('connection')));
  assert.ok(!isPassing(new Error('no')));
});
