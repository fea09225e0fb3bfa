import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Access } from '../src/endpoints/access.ts';

const token = 'a-token-of-enough-length';
const access = new Access({ operatorToken: token, operatorCidrs: ['10.1.0.0/16', 'fd00::/8'] });
const host = 'localhost:8080';

const cases: [string, string | undefined, Record<string, string>, boolean][] = [
  ['IPv4 loopback', '127.0.0.1', { host }, true],
  ['any of 127/8', '127.9.9.9', { host }, true],
  ['IPv6 loopback', '::1', { host: '[::1]:8080' }, true],
  ['IPv4 loopback over IPv6', '::ffff:127.0.0.1', { host }, true],
  ['no Host (HTTP/1.0)', '127.0.0.1', {}, true],
  ['a name that was made to point here', '127.0.0.1', { host: 'evil.example' }, false],
  ['another address', '192.0.2.1', { host }, false],
  ['a configured address', '10.1.2.3', { host: 'pod.example' }, true],
  [
    'a configured address, page of a name that was made to point here',
    '10.1.2.3',
    { host: 'evil.example', origin: 'http://evil.example' },
    false,
  ],
  [
    'a configured address, the same page without Origin (GET)',
    '10.1.2.3',
    { host: 'evil.example', 'accept-language': 'en' },
    false,
  ],
  [
    'a configured address, page by address',
    '10.1.2.3',
    { host: '10.1.0.9:9099', origin: 'http://10.1.0.9:9099', 'accept-language': 'en' },
    true,
  ],
  [
    'a configured address, a program of Node.js by name',
    '10.1.2.3',
    { host: 'pod.example', 'accept-language': '*' },
    true,
  ],
  ['a configured address behind a proxy', '10.1.2.3', { host, via: '1.1 x' }, false],
  ['a configured IPv6 address', 'fd00::7', { host }, true],
  ['loopback behind a proxy', '127.0.0.1', { host, 'x-forwarded-for': '1.2.3.4' }, false],
  ['loopback with any X-Forwarded header', '127.0.0.1', { host, 'x-forwarded-port': '80' }, false],
  ['loopback, page of the same origin', '127.0.0.1', { host, origin: `http://${host}` }, true],
  ['loopback, page of another port', '127.0.0.1', { host, origin: 'http://localhost:1' }, false],
  [
    'loopback, cross-site by metadata',
    '127.0.0.1',
    { host, 'sec-fetch-site': 'cross-site' },
    false,
  ],
  ['the token, from anywhere', '192.0.2.1', { authorization: `Bearer ${token}` }, true],
  ['a wrong token', '192.0.2.1', { authorization: 'Bearer a-token-of-enough-lengtH' }, false],
  ['an empty token', '192.0.2.1', { authorization: 'Bearer ' }, false],
  ['a socket without address', undefined, { host }, false],
];

for (const [name, remoteAddress, headers, expected] of cases)
  test(`${name}: ${expected ? 'an operator' : 'a stranger'}`, () => {
    assert.equal(access.isOperator({ remoteAddress, headers }), expected);
  });

test('without a configured token no token is right', () => {
  const none = new Access({ operatorToken: undefined, operatorCidrs: [] });
  const caller = { remoteAddress: '192.0.2.1', headers: { authorization: 'Bearer undefined' } };
  assert.equal(none.isOperator(caller), false);
});
