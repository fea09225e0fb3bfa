import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toApiError } from '../src/http/errors.ts';

test('a database that cannot be reached is 503 and worth another try, however the network says so', () => {
  for (const code of [
    'EAI_AGAIN',
    'ENOTFOUND',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ECONNREFUSED',
    '57P01',
  ])
    assert.equal(toApiError(Object.assign(new Error(code), { code })).status, 503, code);
  assert.equal(toApiError(new Error('Query read timeout')).status, 503);
  for (const code of ['ENOSPC', '23505', 'ERR_INVALID_ARG_TYPE'])
    assert.equal(toApiError(Object.assign(new Error(code), { code })).status, 500, code);
});
