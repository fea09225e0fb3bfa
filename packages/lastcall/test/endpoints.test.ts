import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { createLifecycle, type Lifecycle, type LifecycleOptions } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { RawClient } from './support/raw-client.ts';

type Body = Record<string, unknown>;
interface Reply {
  status: number;
  body: Body;
  headers: Headers;
}

interface Service {
  lifecycle: Lifecycle;
  port: number;
  call(method: string, path: string, headers?: Record<string, string>): Promise<Reply>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A service on this process; every call is a connection of its own. */
async function service(options: LifecycleOptions = {}, ready = true): Promise<Service> {
  const lifecycle = createLifecycle({ version: '1.2.3', ...options });
  const server = attachHttp(
    lifecycle,
    http.createServer((_request, response) => response.end('{"application":true}')),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  if (ready) lifecycle.ready();
  const { port } = server.address() as { port: number };
  return {
    lifecycle,
    port,
    async call(method, path, headers = {}) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { connection: 'close', ...headers },
      });
      const text = await response.text();
      const body = text.startsWith('{') ? (JSON.parse(text) as Body) : { text };
      return { status: response.status, body, headers: response.headers };
    },
    async [Symbol.asyncDispose]() {
      for (const lease of lifecycle.ledger.leases) lease.end();
      await lifecycle.force('test is over');
    },
  };
}

test('a storage that is unavailable makes the service unready, and nothing else', async () => {
  let status = 'unavailable';
  await using it = await service({ info: () => ({ storage: { type: 'pg', status } }) });
  const { status: code, body } = await it.call('GET', '/ready');
  assert.equal(code, 503);
  assert.deepEqual(body, {
    status: 'unavailable',
    message: 'The storage is unavailable',
    active_streams: 0,
  });
  assert.equal((await it.call('GET', '/health')).status, 200);
  assert.equal((await it.call('GET', '/v1/health')).status, 200);
  status = 'healthy';
  assert.equal((await it.call('GET', '/ready')).status, 200);
});

test('the contract while ready', async () => {
  await using it = await service({ info: () => ({ storage: { type: 'pg', status: 'ok' } }) });
  it.lifecycle.admit({ kind: 'stream' });
  const get = async (path: string): Promise<[number, Body]> => {
    const { status, body } = await it.call('GET', path);
    return [status, body];
  };
  assert.deepEqual(await get('/health'), [
    200,
    { status: 'healthy', version: '1.2.3', shutting_down: false, active_streams: 1 },
  ]);
  assert.deepEqual(await get('/startup'), [200, { status: 'started' }]);
  assert.deepEqual(await get('/ready'), [200, { status: 'ready', active_streams: 1 }]);
  assert.deepEqual(await get('/ready?probe=1'), [200, { status: 'ready', active_streams: 1 }]);
  assert.deepEqual(await get('/shutdown/status'), [
    200,
    { is_shutting_down: false, active_streams: 1 },
  ]);
  assert.deepEqual(await get('/v1/streams/active-count'), [200, { active_streams: 1 }]);
  const [status, details] = await get('/v1/health');
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(details), [
    'status',
    'version',
    'uptime_seconds',
    'active_streams',
    'storage',
    'model_providers',
  ]);
  assert.equal(it.lifecycle.inFlight, 1, 'probes are not work');
});

test('a second slash before the path, as kubelets before 1.25 send it in a hook', async () => {
  await using it = await service();
  assert.equal((await it.call('GET', '//ready')).status, 200);
  assert.equal((await it.call('GET', '//shutdown/wait')).body.status, 'completed');
  assert.equal((await it.call('GET', '//ready')).status, 503);
  assert.equal(it.lifecycle.state, 'draining');
  assert.equal((await it.call('GET', '///application')).status, 503, 'the path of an application');
});

test('before it is ready', async () => {
  await using it = await service({}, false);
  assert.equal((await it.call('GET', '/startup')).status, 503);
  assert.equal((await it.call('GET', '/ready')).status, 503);
  assert.equal((await it.call('GET', '/health')).status, 200);
});

test('readiness says when the drain will probably have ended, as the drain call does', async () => {
  await using it = await service();
  for (let i = 1; i <= 100; i += 1) {
    const lease = it.lifecycle.admit({ kind: 'stream' }, performance.now() - i * 1_000);
    if (lease.admitted) lease.end();
  }
  const lease = it.lifecycle.admit({ kind: 'stream' });
  const drained = await it.call('POST', '/-/shutdown/drain');
  const { body } = await it.call('GET', '/ready');
  const seconds = Number(body.estimated_finish_seconds);
  assert.ok(seconds > 80 && seconds < 100, `nine in ten end within 90 s, not ${seconds}`);
  assert.ok(Math.abs(seconds - Number(drained.body.estimated_finish_seconds)) < 3);
  assert.equal(body.estimate_reason, null, 'there is nothing to explain');
  const inMs = Date.parse(String(body.estimated_finish_at)) - Date.now();
  assert.ok(Math.abs(inMs - seconds * 1_000) < 5_000, `${inMs}`);
  if (lease.admitted) lease.end();
});

test('the contract while draining: liveness stays, readiness goes, work is refused', async () => {
  await using it = await service();
  const lease = it.lifecycle.admit({ kind: 'stream' });
  const drained = await it.call('POST', '/-/shutdown/drain');
  assert.equal(drained.status, 202);
  assert.deepEqual(Object.keys(drained.body), [
    'status',
    'in_flight',
    'in_flight_by_kind',
    'estimated_finish_seconds',
    'estimated_finish_at',
    'estimate_reason',
    'deadline_at',
  ]);
  assert.deepEqual(drained.body.in_flight_by_kind, { stream: 1 });
  const unknown = 'only 0 of 20 measured durations of kind stream';
  assert.equal(drained.body.estimated_finish_seconds, null);
  assert.equal(drained.body.estimate_reason, unknown);
  await it.lifecycle.when('draining');

  const ready = await it.call('GET', '/ready');
  assert.equal(ready.status, 503);
  assert.equal(ready.body.status, 'shutting_down');
  assert.equal(ready.body.active_streams, 1);
  assert.equal(typeof ready.body.shutdown_duration, 'number');
  assert.equal(ready.body.estimated_finish_seconds, null, 'nothing has been measured');
  assert.equal(ready.body.estimated_finish_at, null);
  assert.equal(ready.body.estimate_reason, unknown);
  assert.ok(Date.parse(String(ready.body.deadline_at)) > Date.now());
  assert.equal((await it.call('GET', '/shutdown/status')).status, 503);
  assert.equal((await it.call('GET', '/startup')).status, 200);
  const health = await it.call('GET', '/health');
  assert.deepEqual([health.status, health.body.shutting_down], [200, true]);
  assert.equal((await it.call('HEAD', '/health')).status, 200);

  const refused = await it.call('GET', '/work');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal(refused.headers.get('connection'), 'close');
  assert.deepEqual(refused.body, { detail: 'Service is shutting down' });

  const already = await it.call('POST', '/shutdown/initiate');
  assert.equal(already.body.status, 'already_shutting_down');
  assert.equal((await it.call('POST', '/-/shutdown/drain')).status, 202);
  assert.ok(lease.admitted && lease.end());
});

test('GET and POST /shutdown/wait: completed, timeout, undone', async () => {
  for (const method of ['GET', 'POST']) {
    await using it = await service();
    const lease = it.lifecycle.admit({ kind: 'stream' });
    const waiting = it.call(method, '/shutdown/wait');
    await it.lifecycle.when('draining');
    assert.ok(lease.admitted && lease.end());
    const { status, body } = await waiting;
    assert.deepEqual([status, body.status, body.active_streams], [200, 'completed', 0]);
    assert.equal(typeof body.waited_seconds, 'number');
  }
  {
    await using it = await service({ graceMs: 50, forceMs: 500 });
    const lease = it.lifecycle.admit({ kind: 'stream' });
    assert.ok(lease.admitted);
    lease.signal.addEventListener('abort', () => lease.end());
    const { status, body } = await it.call('GET', '/shutdown/wait');
    assert.deepEqual([status, body.status, body.cancelled_streams], [200, 'timeout', 1]);
  }
  {
    await using it = await service();
    it.lifecycle.admit({ kind: 'stream' });
    const waiters = [it.call('GET', '/shutdown/wait'), it.call('POST', '/shutdown/wait')];
    await it.lifecycle.when('draining');
    const reset = await it.call('POST', '/shutdown/reset');
    assert.deepEqual([reset.status, reset.body.was_shutting_down], [200, true]);
    assert.equal((await waiters[0])?.status, 409);
    assert.equal((await it.call('GET', '/ready')).status, 200);
    void it.lifecycle.drain({ reason: 'for a second waiter that came late' });
    for (const lease of it.lifecycle.ledger.leases) lease.end();
    await Promise.all(waiters);
  }
});

test('reset: nothing to undo, and too late', async () => {
  await using it = await service({ graceMs: 10, forceMs: 300 });
  const nothing = await it.call('POST', '/shutdown/reset');
  assert.deepEqual([nothing.status, nothing.body.was_shutting_down], [200, false]);
  it.lifecycle.admit({ kind: 'job' });
  void it.lifecycle.drain({ reason: 'test' });
  await it.lifecycle.when('cancelling');
  const late = await it.call('POST', '/shutdown/reset');
  assert.equal(late.status, 409);
});

test('a drain that is held past its deadline still answers new connections', async () => {
  await using it = await service({ graceMs: 10, forceMs: 10 });
  await it.lifecycle.drain({ reason: 'test' });
  await new Promise((resolve) => setTimeout(resolve, 30));
  const probe = await RawClient.open(it.port);
  await new Promise((resolve) => setTimeout(resolve, 100));
  probe.get('/ready');
  assert.equal((await probe.answer())?.status, 503);
  probe.destroy();
});

test('wrong methods get 405 with Allow, and change nothing', async () => {
  await using it = await service();
  for (const [method, path, allow] of [
    ['GET', '/shutdown/initiate', 'POST'],
    ['GET', '/-/shutdown/drain', 'POST'],
    ['DELETE', '/shutdown/wait', 'GET, POST'],
    ['POST', '/health', 'GET, HEAD'],
  ] as const) {
    const { status, headers } = await it.call(method, path);
    assert.deepEqual([status, headers.get('allow')], [405, allow]);
  }
  assert.equal(it.lifecycle.state, 'ready');
});

test('strangers get 403 and nothing changes', async () => {
  await using it = await service({ operatorToken: 'a-token-of-enough-length' });
  const forged: Record<string, string>[] = [
    { 'x-forwarded-for': '127.0.0.1' },
    { 'X-Forwarded-Host': 'localhost' },
    { forwarded: 'for=127.0.0.1' },
    { via: '1.1 proxy' },
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'x-forwarded-for': '::1', authorization: 'Bearer wrong-token-of-length' },
  ];
  for (const headers of forged)
    for (const path of [
      '/shutdown/initiate',
      '/shutdown/wait',
      '/shutdown/reset',
      '/-/shutdown/drain',
    ])
      assert.equal((await it.call('POST', path, headers)).status, 403, JSON.stringify(headers));
  assert.equal(it.lifecycle.state, 'ready');
  const token = { authorization: 'Bearer a-token-of-enough-length', 'x-forwarded-for': '1.2.3.4' };
  assert.equal((await it.call('POST', '/shutdown/reset', token)).status, 200);
});

test('metrics: the contract names, and what happened', async () => {
  await using it = await service();
  await it.call('GET', '/work');
  const { body, headers } = await it.call('GET', '/metrics');
  const text = String(body.text);
  assert.match(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  for (const name of [
    'in_flight_requests',
    'drain_duration_seconds',
    'drain_duration',
    'graceful_shutdown_count',
    'forced_kill_count',
    'lastcall_work_total',
    'lastcall_refused_total',
    'lastcall_state',
    'lastcall_drain_estimate_seconds',
    'lastcall_late_arrivals_total',
    'lastcall_sigterm_without_prestop_total',
  ])
    assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'), name);
  assert.match(text, /^lastcall_work_total\{kind="request",outcome="completed"\} 1$/m);
  assert.match(text, /^lastcall_state\{state="ready"\} 1$/m);
});
