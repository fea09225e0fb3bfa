import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { toApiError } from '../src/http/errors.ts';
import { generationFields } from '../src/http/generation.ts';

const body = z.strictObject(generationFields);
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const message = (parts: number) => ({
  role: 'user',
  content: times(parts, { type: 'input_text', text: 'x' }),
});

test('an input of very many messages or parts is refused for their number', () => {
  assert.ok(body.safeParse({ input: times(1_000, message(1)) }).success);
  assert.ok(body.safeParse({ input: [message(1_999)] }).success);
  for (const input of [
    [message(2_000)],
    times(1_001, message(1)),
    times(300_000, 1),
    [{ role: 'user', content: times(300_000, {}) }],
  ]) {
    const { error } = body.safeParse({ input });
    // One for the whole: of each that is wrong a megabyte would make half a million.
    const found = JSON.stringify(error?.issues).length;
    assert.ok(found < 1_000, `${found} characters of what is wrong`);
    const told = toApiError(error);
    assert.equal(told.status, 400);
    assert.match(told.error.message, /^input: .*at most 2000 messages and parts/);
  }
});
