import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, readConfig } from '../src/config.ts';

test('a model server with a password in its address is refused, and the password not shown', () => {
  for (const url of ['http://user:geheim@host/v1', 'https://geheim@host/v1', 'ftp://a:geheim@host'])
    assert.throws(
      () => readConfig({ MODEL_UPSTREAM_URL: url }),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /MODEL_UPSTREAM_URL: expected/);
        assert.doesNotMatch(error.message, /geheim/);
        return true;
      },
    );
  const { MODEL_UPSTREAM_URL: url } = readConfig({ MODEL_UPSTREAM_URL: 'http://host/v1/@team' });
  assert.equal(url, 'http://host/v1/@team');
});
