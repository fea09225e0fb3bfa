import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readAccessLog, readCsv, readNode, readPrometheus, simulate } from '@lastcall/planner';
import { exponential, file, near } from './support.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('access logs: what a client writes into an address, and times of day, are no durations', async (t) => {
  const start = '1.2.3.4 - - [20/Nov/2026:13:55:36 +0000]';
  const path = file(
    t,
    'access.log',
    [
      `${start} "GET /a?time=1795183000&rt=900 HTTP/1.1" 200 12 "-" "curl" 0.200`,
      `${start} "GET /b HTTP/1.1" 200 12 "-" "curl/8 rt=700" rt="0.200" ut="0.1"`,
      'level=info path=/c time=0.200',
      'time=2026-11-20T10:00:00Z request_time=0.200 level=info',
      'time=2026-11-20T10:00:00Z level=info msg=started',
      'time=2026-11-20 level=info msg=started',
      'time=1795183000 level=info msg=started',
      '{"time":"2026-11-20T13:55:40Z","request_time":[2]}',
      '{"time":"2026-11-20T13:55:40Z","request_time":true}',
      '{"latency":31415926535,"msg":"nanoseconds"}',
    ].join('\n'),
  );
  const { read, skipped, durations } = await readAccessLog(path);
  assert.deepEqual([read, skipped], [4, 6]);
  assert.ok(near(durations.quantileMs(0.01), 200, 0.03));
  assert.ok(near(durations.quantileMs(1), 200, 0.03));
});

test('times since 1970 in seconds and in milliseconds give the same rate', async (t) => {
  const rateOf = async (name: string, text: string): Promise<number | null> =>
    (await (name.endsWith('csv') ? readCsv : readAccessLog)(file(t, name, text))).ratePerSecond;
  assert.equal(await rateOf('s.csv', 'timestamp,ms\n1795183000,5\n1795183010,5\n'), 0.2);
  assert.equal(await rateOf('ms.csv', 'timestamp,ms\n1795183000000,5\n1795183010000,5\n'), 0.2);
  const log = (time: number): string => `{"time":${time},"took_ms":5}\n`;
  assert.equal(await rateOf('s.log', log(1_795_183_000) + log(1_795_183_010)), 0.2);
  assert.equal(await rateOf('ms.log', log(1_795_183_000_000) + log(1_795_183_010_000)), 0.2);
});

test('an answer that is none of a Prometheus server is refused in words', async (t) => {
  let body = '';
  const address = await serve(t, (_, response) => response.end(body));
  for (body of ['<html>log in</html>', 'null', '{}', '{"data":{"result":{"a":1}}}'])
    await assert.rejects(
      readPrometheus(`http://${address}`),
      ({ code, message }: NodeJS.ErrnoException) =>
        code === 'ERR_PLANNER_INPUT' && message.includes(`a Prometheus server, got ${body}`),
    );
  body = '{"data":{"result":[{"metric":{},"value":[1,"5"]}]}}';
  await assert.rejects(readPrometheus(`http://${address}`, { metric: 'up' }), /no label le/);
});

test('a server below a prefix, with a name and a password, which no message tells', async (t) => {
  const address = await serve(t, ({ url = '', headers }, response) => {
    const known = headers.authorization === `Basic ${Buffer.from('me:se:cret').toString('base64')}`;
    if (!known) return response.writeHead(401).end('who are you?');
    if (url === '/prefix/metrics') return response.end(METRICS);
    if (url.startsWith('/prefix/api/v1/query?query=')) return response.end(ANSWER);
    return response.writeHead(404).end('not here');
  });
  const METRICS =
    'lastcall_work_duration_seconds_bucket{kind="request",le="0.1"} 4\nlastcall_work_duration_seconds_bucket{kind="request",le="+Inf"} 4\n';
  const ANSWER =
    '{"data":{"result":[{"metric":{"le":"0.1"},"value":[1,"5"]},{"metric":{"le":"+Inf"},"value":[1,"5"]}]}}';
  const full = `http://me:se%3Acret@${address}/prefix`;
  assert.equal((await readPrometheus(full)).ratePerSecond, 5);
  assert.equal((await readNode(`${full}/`)).read, 4);
  await assert.rejects(readNode(`http://me:wrong@${address}`), ({ message }: Error) => {
    assert.match(message, /answered 401/);
    assert.doesNotMatch(message, /wrong/);
    return true;
  });
});

test('a rollout that would be simulated for hours is refused at once, with the arithmetic', () => {
  const usual = {
    nodes: 10,
    ratePerSecond: 100,
    surge: 1,
    unavailable: 0,
    startMs: 10_000,
    preStopMs: 0,
    leaveMs: 1_000,
    graceMs: 5_000,
    exitMs: 100,
  };
  const durations = exponential(200);
  assert.ok(simulate(durations, usual).requests > 0);
  for (const wrong of [
    { nodes: 1e9 },
    { nodes: 1_000_001, surge: 1_000_001 },
    { ratePerSecond: 1e9 },
    { startMs: 3.6e9 },
    { graceMs: 1e12 },
  ])
    assert.throws(
      () => simulate(durations, { ...usual, ...wrong }),
      /expected a rollout of at most 1000000 nodes and 200000000 requests, got .* about .* requests/,
    );
});
