import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLifecycle, type LastcallError, type Lease } from 'lastcall';

function ready(options = {}) {
  const lifecycle = createLifecycle(options);
  lifecycle.ready();
  return lifecycle;
}

function admitted(lifecycle: ReturnType<typeof ready>, kind = 'request'): Lease {
  const lease = lifecycle.admit({ kind });
  assert.ok(lease.admitted);
  return lease;
}

test('leases are unique, counted by kind, and ended once', () => {
  const lifecycle = ready();
  const [a, b] = [admitted(lifecycle), admitted(lifecycle)];
  assert.notEqual(a.id, b.id);
  assert.deepEqual(lifecycle.ledger.inFlightByKind(), { request: 2 });
  b.kind = 'stream';
  assert.deepEqual(lifecycle.ledger.inFlightByKind(), { request: 1, stream: 1 });
  assert.equal(a.end('completed'), true);
  assert.equal(a.end('failed'), false);
  assert.equal(a.outcome, 'completed');
  assert.equal(lifecycle.inFlight, 1);
  b.end('handed_over');
  b.kind = 'request';
  assert.deepEqual(lifecycle.ledger.inFlightByKind(), {});
  assert.equal(lifecycle.ledger.tally('stream').outcomes.handed_over, 1);
});

test('the signal aborts with a coded reason, made before or after', () => {
  const lifecycle = ready();
  const [early, late] = [admitted(lifecycle), admitted(lifecycle)];
  const signal = early.signal;
  early.revoke();
  late.revoke('not wanted');
  assert.equal((signal.reason as LastcallError).code, 'ERR_LASTCALL_REVOKED');
  assert.equal((late.signal.reason as LastcallError).message, 'not wanted');
  early.end('completed');
  assert.equal(early.outcome, 'cancelled', 'revoked work counts as cancelled');
  late.end('handed_over');
  assert.equal(late.outcome, 'handed_over');
});

test('a client that goes aborts the signal', () => {
  const lease = admitted(ready());
  const { signal } = lease;
  lease.end('cancelled');
  assert.equal((signal.reason as LastcallError).code, 'ERR_LASTCALL_CLIENT_GONE');
});

test('idle resolves with the end of the last lease', async () => {
  const lifecycle = ready();
  await lifecycle.ledger.idle();
  const [a, b] = [admitted(lifecycle), admitted(lifecycle)];
  let idle = false;
  const wait = lifecycle.ledger.idle().then(() => {
    idle = true;
  });
  a.end();
  await Promise.resolve();
  assert.equal(idle, false);
  b.end();
  await wait;
});

test('refusal is atomic: after drain begins nothing is admitted, and it is counted', async () => {
  const lifecycle = ready({ retryAfterMs: 7_000 });
  const lease = admitted(lifecycle);
  const drained = lifecycle.drain({ reason: 'test' });
  await lifecycle.when('draining');
  const refusal = lifecycle.admit({ kind: 'task' });
  assert.deepEqual(refusal, { admitted: false, state: 'draining', retryAfterMs: 7_000 });
  assert.equal(lifecycle.ledger.tally('task').refused, 1);
  lease.end();
  assert.deepEqual(await drained, { status: 'completed' });
});

test('durations: survival within a bucket, and beyond the longest', async () => {
  const { Durations } = await import('../src/ledger/durations.ts');
  const durations = new Durations();
  assert.equal(durations.survival(1), 0);
  for (let i = 0; i < 1_000; i += 1) durations.add(((i * 617) % 1_000) + 1);
  assert.ok(Math.abs(durations.survival(500) - 0.5) < 0.05);
  assert.ok(durations.survival(900) < durations.survival(800));
  assert.ok(durations.expectedAbove(60_000) < 0.05, 'older than anything seen');
});
