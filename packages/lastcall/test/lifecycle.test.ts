import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLifecycle, type LastcallError } from 'lastcall';

test('a stop goes through its phases in order, each an event', async () => {
  const lifecycle = createLifecycle();
  const seen: string[] = [];
  lifecycle.events.on('state', ({ to }) => seen.push(to));
  lifecycle.onCheckpoint('model', () => seen.push('(checkpoint)'));
  lifecycle.onClose('first', () => seen.push('(close first)'));
  lifecycle.onClose('second', () => seen.push('(close second)'));
  lifecycle.onFlush('logs', () => seen.push('(flush)'));
  lifecycle.onDrain('jobs', () => seen.push('(drain)'));
  assert.equal(lifecycle.ready(), true);
  const record = await lifecycle.stop({ reason: 'test' });
  assert.deepEqual(seen, [
    'ready',
    'leaving',
    'draining',
    '(drain)',
    'closing',
    '(checkpoint)',
    '(close second)',
    '(close first)',
    '(flush)',
    'stopped',
  ]);
  assert.equal(record.exitCode, 0);
  assert.equal(record.lost, 0);
  assert.equal(lifecycle.ready(), false, 'a stopped lifecycle does not become ready');
});

test('a drain is undone: the epoch rises, waiters are told, work is taken again', async () => {
  const lifecycle = createLifecycle();
  lifecycle.ready();
  const lease = lifecycle.admit({ kind: 'request' });
  assert.ok(lease.admitted);
  let resumed = 0;
  lifecycle.onResume('jobs', () => {
    resumed += 1;
  });
  const first = lifecycle.drain({ reason: 'one' });
  const second = lifecycle.initiate({ reason: 'two' });
  await lifecycle.when('draining');
  assert.equal(lifecycle.resume(), true);
  assert.deepEqual(await Promise.all([first, second]), [
    { status: 'undone' },
    { status: 'undone' },
  ]);
  assert.equal(lifecycle.epoch, 1);
  assert.equal(lifecycle.state, 'ready');
  assert.equal(resumed, 1);
  assert.ok(lifecycle.admit({ kind: 'request' }).admitted);
  assert.equal(lifecycle.resume(), false);
  // The undone stop has left nothing behind that ends a later one early.
  const again = lifecycle.drain({ reason: 'three' });
  for (const open of lifecycle.ledger.leases) open.end();
  assert.deepEqual(await again, { status: 'completed' });
});

test('a held drain waits in draining until a stop asks it to end', async () => {
  const lifecycle = createLifecycle();
  lifecycle.ready();
  await lifecycle.drain({ reason: 'hook' });
  assert.equal(lifecycle.state, 'draining');
  const record = await lifecycle.stop({ reason: 'SIGTERM' });
  assert.equal(record.reason, 'hook');
  assert.equal(record.exitCode, 0);
});

test('at the deadline work is cancelled and counted as expired; exit code 3', async () => {
  const lifecycle = createLifecycle({ graceMs: 20, forceMs: 200 });
  lifecycle.ready();
  const lease = lifecycle.admit({ kind: 'request' });
  assert.ok(lease.admitted);
  lease.signal.addEventListener('abort', () => lease.end());
  const record = await lifecycle.stop({ reason: 'test' });
  assert.equal(record.outcomes.expired, 1);
  assert.equal(record.exitCode, 3);
});

test('work that nobody ends is written off as lost; exit code 3', async () => {
  const lifecycle = createLifecycle({ graceMs: 10, forceMs: 20 });
  lifecycle.ready();
  lifecycle.admit({ kind: 'job' });
  const record = await lifecycle.stop({ reason: 'test' });
  assert.equal(record.lost, 1);
  assert.equal(record.exitCode, 3);
});

test('too late to undo: a coded error', async () => {
  const lifecycle = createLifecycle({ graceMs: 10, forceMs: 50 });
  lifecycle.ready();
  lifecycle.admit({ kind: 'job' });
  const stopped = lifecycle.stop({ reason: 'test' });
  await lifecycle.when('cancelling');
  assert.throws(
    () => lifecycle.resume(),
    (error: LastcallError) => error.code === 'ERR_LASTCALL_STATE',
  );
  await stopped;
});

test('hooks all run; what fails is one AggregateError', async () => {
  const lifecycle = createLifecycle();
  const ran: string[] = [];
  lifecycle.onClose('good', () => ran.push('good'));
  lifecycle.onClose('bad', () => {
    throw new Error('one');
  });
  lifecycle.onFlush('worse', () => Promise.reject(new Error('two')));
  const record = await lifecycle.stop({ reason: 'test' });
  assert.deepEqual(ran, ['good']);
  assert.equal(record.exitCode, 1);
  assert.equal(record.failure?.errors.length, 2);
  assert.match(record.failure?.message ?? '', /close bad: one; flush worse: two/);
});

test('leaveMinMs: the process still serves while it leaves', async () => {
  const lifecycle = createLifecycle({ leaveMinMs: 60_000, leaveMaxMs: 60_000, graceMs: 120_000 });
  lifecycle.ready();
  const stopped = lifecycle.stop({ reason: 'test' });
  assert.equal(lifecycle.state, 'leaving');
  const lease = lifecycle.admit({ kind: 'request' });
  assert.ok(lease.admitted);
  lease.end();
  assert.equal(lifecycle.counters.lateArrivals, 1);
  // An explicit drain does not wait for routing.
  void lifecycle.drain({ reason: 'operator' });
  await lifecycle.when('draining');
  assert.equal(lifecycle.admit({ kind: 'request' }).admitted, false);
  await stopped;
});

test('a server adapter that throws does not keep the process from ending', async () => {
  const lifecycle = createLifecycle();
  lifecycle.ready();
  lifecycle.attach({
    admin: false,
    leave: () => Promise.resolve(),
    drain: () => undefined,
    quiet: () => Promise.reject(new Error('adapter broke')),
    finish: () => undefined,
    close: () => Promise.resolve(),
    destroy: () => undefined,
    resume: () => undefined,
  });
  const record = await lifecycle.stop({ reason: 'test' });
  assert.equal(record.exitCode, 1);
  assert.match(record.failure?.message ?? '', /adapter broke/);
});

test('a hook that is not a function is refused at once', () => {
  const lifecycle = createLifecycle();
  assert.throws(
    () => lifecycle.onClose('pool', Promise.resolve() as never),
    (error: LastcallError) => error.code === 'ERR_LASTCALL_OPTION',
  );
});
