import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { toApiError } from '../src/http/errors.ts';
import { generationFields } from '../src/http/generation.ts';

const body = z.strictObject(generationFields);
const part = { type: 'input_text', text: 'x' };
const message = (parts: number) => ({ role: 'user', content: Array(parts).fill(part) as object[] });

test('an input of very many messages or parts is refused for their number', () => {
  assert.ok(body.safeParse({ input: Array(1_000).fill(message(1)) }).success);
  assert.ok(body.safeParse({ input: [message(1_999)] }).success);
  for (const input of [
    [message(2_000)],
    Array(1_001).fill(message(1)),
    Array(300_000).fill(1),
    [{ role: 'user', content: Array(300_000).fill({}) }],
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
