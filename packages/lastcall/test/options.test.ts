import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLifecycle, type ErrorCode, LastcallError, OPTIONS } from 'lastcall';
import { resolveOptions } from '../src/options.ts';

function refuses(options: object, code: ErrorCode, message: RegExp): void {
  assert.throws(
    () => createLifecycle(options),
    (error: unknown) => {
      assert.ok(error instanceof LastcallError);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    },
  );
}

test('a wrong option is refused with its name, what was expected and what came', () => {
  refuses({ graceMs: '30s' }, 'ERR_LASTCALL_OPTION', /graceMs: expected .*milliseconds.*got "30s"/);
  refuses({ forceMs: -1 }, 'ERR_LASTCALL_OPTION', /forceMs: .*got -1/);
  refuses({ graceMs: 2 ** 31 }, 'ERR_LASTCALL_OPTION', /2147483647, got 2147483648/);
  refuses({ graceMs: Number.NaN }, 'ERR_LASTCALL_OPTION', /graceMs/);
  refuses(
    { operatorCidrs: ['10.0.0.0/33'] },
    'ERR_LASTCALL_OPTION',
    /operatorCidrs.*10\.0\.0\.0\/33/,
  );
  refuses({ metricsOn: 'both' }, 'ERR_LASTCALL_OPTION', /one of service, admin, got "both"/);
  refuses({ gracems: 1 }, 'ERR_LASTCALL_OPTION_UNKNOWN', /gracems does not exist/);
});

test('an old Node.js is told, before anything of it is missed', (t) => {
  // Node.js 20 has everything else that is needed until here.
  const own = Object.getOwnPropertyDescriptor(Promise, 'withResolvers') ?? {};
  t.after(() => Object.defineProperty(Promise, 'withResolvers', own));
  Reflect.deleteProperty(Promise, 'withResolvers');
  refuses({}, 'ERR_LASTCALL_NODE', /expected Node\.js 22\.18 or later, got \d+\./);
});

test('a refused token is not shown', () => {
  assert.throws(
    () => createLifecycle({ operatorToken: 'short-secret' }),
    (error: Error) => !error.message.includes('short-secret'),
  );
});

test('times that do not add up are refused with the arithmetic', () => {
  refuses(
    { graceMs: 29_000, forceMs: 2_000, killAfterMs: 30_000 },
    'ERR_LASTCALL_BUDGET',
    /29000 \+ forceMs 2000 = 31000.*killAfterMs 30000: 1000 ms too late/,
  );
  refuses({ leaveMinMs: 9_000 }, 'ERR_LASTCALL_BUDGET', /leaveMinMs 9000 is above leaveMaxMs 5000/);
  refuses(
    { graceMs: 4_000, leaveMinMs: 4_000 },
    'ERR_LASTCALL_BUDGET',
    /leaves 0 ms of graceMs 4000/,
  );
  refuses({ graceMs: 2 ** 31 - 1, forceMs: 1 }, 'ERR_LASTCALL_BUDGET', /longest timer/);
});

test('the environment wins over code, with units', () => {
  const options = resolveOptions(
    { graceMs: 1_000, forceMs: 500 },
    {
      GRACEFUL_SHUTDOWN_TIMEOUT: '90',
      LASTCALL_FORCE_MS: '3s',
      LASTCALL_OPERATOR_CIDRS: '10.0.0.0/8, ::1',
    },
  );
  assert.equal(options.graceMs, 90_000);
  assert.equal(options.forceMs, 3_000);
  assert.deepEqual(options.operatorCidrs, ['10.0.0.0/8', '::1']);
  assert.throws(
    () => resolveOptions({}, { LASTCALL_FORCE_MS: 'soon' }),
    /forceMs \(from LASTCALL_FORCE_MS\): expected a duration such as 30s, got "soon"/,
  );
});

test('every option has a doc, and its variable keeps its words', () => {
  for (const [name, { doc, env }] of Object.entries(OPTIONS)) {
    assert.ok(doc.length > 20, name);
    if (env === undefined || name === 'graceMs') continue;
    assert.equal(env, `LASTCALL_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`);
  }
});
