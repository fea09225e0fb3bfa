import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readAccessLog, readCsv, readNode, readPrometheus } from '@lastcall/planner';
import { createLifecycle } from 'lastcall';
import { serveAdmin } from 'lastcall/admin';
import { file, near } from './support.ts';

test('CSV: columns by name, times, quotes; broken lines are counted', async (t) => {
  const path = file(
    t,
    'a.csv',
    'timestamp,route,duration_ms\n10,"/a,b",100\n11,/c,200\nbroken\n12,/d,\n13,/e,300\n\n',
  );
  const { read, skipped, durations, ratePerSecond } = await readCsv(path);
  assert.deepEqual([read, skipped], [3, 2]);
  assert.ok(near(durations.meanMs, 200, 0.03), `${durations.meanMs}`);
  assert.equal(ratePerSecond, 1);
});

test('CSV: seconds, ISO times, and a file without a heading', async (t) => {
  const iso = 'time,duration_seconds\n2026-11-20T10:00:00Z,1.5\n2026-11-20T10:00:10Z,2.5\n';
  const named = await readCsv(file(t, 'a.csv', iso));
  assert.ok(near(named.durations.meanMs, 2_000, 0.03));
  assert.equal(named.ratePerSecond, 0.2);
  const bare = await readCsv(file(t, 'b.csv', '12\n14\n'));
  assert.ok(near(bare.durations.meanMs, 13, 0.03));
});

test('CSV: a file without durations is refused with the names that are known', async (t) => {
  const path = file(t, 'a.csv', 'route,colour\n/a,red\n');
  await assert.rejects(readCsv(path), /no column of durations among route, colour.*took_ms/);
  await assert.rejects(readCsv(file(t, 'b.csv', '')), /found no duration in 0 lines/);
  await assert.rejects(readCsv('/nowhere/a.csv'), /ENOENT/);
});

test('access logs: combined with request time, named fields, JSON; binary rubbish is skipped', async (t) => {
  const path = file(
    t,
    'access.log',
    [
      '1.2.3.4 - - [20/Nov/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl/7.88.1" 0.250',
      '1.2.3.4 - - [20/Nov/2026:13:55:46 +0000] "GET /b HTTP/1.1" 200 12 "-" "curl" rt=0.750 ut=-',
      '{"level":30,"time":1795183000000,"responseTime":500,"msg":"request completed"}',
      '{"time":"2026-11-20T13:55:40Z","request_time":"0.500"}',
      '{"half":',
      '\u0000\u0001\u0002',
      'x'.repeat(100_000),
      '1.2.3.4 - - [20/Nov/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 12 "-" "-"',
    ].join('\n'),
  );
  const { read, skipped, durations } = await readAccessLog(path);
  assert.deepEqual([read, skipped], [4, 4]);
  assert.ok(near(durations.meanMs, 500, 0.03));
});

test('a log that is larger than the memory it may take is streamed', async (t) => {
  const line = '1.2.3.4 - - [20/Nov/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 12 "-" "-" 0.100\n';
  const path = file(t, 'large.log', line.repeat(400_000));
  const before = process.memoryUsage().heapUsed;
  const { read } = await readAccessLog(path);
  assert.equal(read, 400_000);
  const grown = (process.memoryUsage().heapUsed - before) / 2 ** 20;
  assert.ok(grown < 32, `33 MB of log took ${grown.toFixed(0)} MB`);
});

test('a running node: what it has measured is read from its metrics, by kind', async (t) => {
  const lifecycle = createLifecycle();
  lifecycle.ready();
  for (let i = 0; i < 100; i += 1)
    for (const [kind, ms] of [['request', 40] as const, ['stream', 3_000] as const]) {
      const lease = lifecycle.admit({ kind }, performance.now() - ms);
      if (lease.admitted) lease.end();
    }
  const admin = await serveAdmin(lifecycle, { port: 0 });
  t.after(() => lifecycle.stop({ reason: 'test', leave: false }));
  const url = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`;
  const all = await readNode(url);
  assert.equal(Math.round(all.read), 200);
  const { durations } = await readNode(url, 'stream');
  // The histogram has one bucket an octave: 2.048 to 4.096 s.
  assert.ok(durations.quantileMs(0.5) > 2_048 && durations.quantileMs(0.5) < 4_096);
  await assert.rejects(readNode(url, 'job'), /of kind job/);
});

async function answering(t: TestContext, body: string, status = 200): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('Prometheus: buckets become durations and a rate', async (t) => {
  const result = [
    { metric: { le: '0.1' }, value: [0, '6'] },
    { metric: { le: '1' }, value: [0, '9'] },
    { metric: { le: '+Inf' }, value: [0, '10'] },
  ];
  const url = await answering(t, JSON.stringify({ status: 'success', data: { result } }));
  const { durations, ratePerSecond } = await readPrometheus(url);
  assert.ok(near(ratePerSecond ?? 0, 10, 1e-6));
  assert.ok(durations.quantileMs(0.5) <= 100);
  assert.ok(durations.quantileMs(1) > 1_900, 'above the last edge');
});

test('bad sources say what is wrong', async (t) => {
  const failing = await answering(t, 'no such thing', 404);
  await assert.rejects(readPrometheus(failing), /answered 404: no such thing/);
  const empty = await answering(t, '{"status":"success","data":{"result":[]}}');
  await assert.rejects(readPrometheus(empty), /knows no lastcall_work_duration_seconds_bucket/);
  await assert.rejects(readPrometheus(empty, { metric: 'a b' }), /name of a histogram/);
  await assert.rejects(readNode('localhost'), /expected an address/);
  await assert.rejects(readNode('http://127.0.0.1:1'), /127.0.0.1:1: bad port/);
});
