import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { serveAdmin } from 'lastcall/admin';
import { type Reading, readPrometheus } from '@lastcall/planner';
import { freePort } from '../../../scripts/ports.ts';
import { findProgram } from '../../../scripts/programs.ts';
import { near } from './support.ts';

const LIMIT_MS = 60_000;

/** A real node: a lifecycle with its admin listener. */
async function node(t: TestContext): Promise<{ lifecycle: Lifecycle; target: string }> {
  const lifecycle = createLifecycle();
  lifecycle.ready();
  const admin = await serveAdmin(lifecycle, { port: 0 });
  t.after(() => lifecycle.stop({ reason: 'test', leave: false }));
  return { lifecycle, target: `127.0.0.1:${(admin.address() as AddressInfo).port}` };
}

function work(lifecycle: Lifecycle, kind: string, tookMs: number): void {
  const lease = lifecycle.admit({ kind }, performance.now() - tookMs);
  if (lease.admitted) lease.end();
}

async function startPrometheus(
  t: TestContext,
  program: string,
  targets: string[],
): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-prometheus-'));
  const port = await freePort();
  const scrape = { job_name: 'api', static_configs: [{ targets }] };
  const config = { global: { scrape_interval: '200ms' }, scrape_configs: [scrape] };
  // JSON is YAML.
  writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify(config));
  const args = [
    `--config.file=${dir}/prometheus.yml`,
    `--storage.tsdb.path=${dir}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child: ChildProcess = spawn(program, args, { stdio: 'ignore' });
  const gone = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await gone;
    rmSync(dir, { recursive: true });
  });
  return `http://127.0.0.1:${port}`;
}

/** Asks again until the answer is as wanted. */
async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  const untilMs = performance.now() + LIMIT_MS;
  for (;;) {
    const answer = await ask().catch((error: Error) => error);
    if (!(answer instanceof Error) && wanted(answer)) return answer;
    if (performance.now() > untilMs) throw answer instanceof Error ? answer : new Error('too late');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test('durations and rate of a service are read from a real Prometheus that scrapes its nodes', async (t) => {
  const program = findProgram('prometheus');
  if (!program) return t.skip('there is no Prometheus');
  const nodes = [await node(t), await node(t)];
  // A rate is the difference of two scrapes: a series must be there before it grows.
  for (const { lifecycle } of nodes) {
    work(lifecycle, 'request', 40);
    work(lifecycle, 'stream', 3_000);
  }
  const targets = nodes.map(({ target }) => target);
  const url = await startPrometheus(t, program, targets);
  const query = async (text: string): Promise<number> => {
    const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(text)}`);
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result.length === 0 ? 0 : Number(data.result[0]!.value[1]);
  };
  await eventually(
    () => query('sum(lastcall_work_duration_seconds_count)'),
    (count) => count === 4,
  );
  for (const { lifecycle } of nodes)
    for (let i = 0; i < 150; i += 1) {
      work(lifecycle, 'request', 40);
      if (i % 3 === 0) work(lifecycle, 'stream', 3_000);
    }
  const increase = (matchers: string): Promise<number> =>
    query(`sum(rate(lastcall_work_duration_seconds_count{${matchers}}[1m]))`);
  await eventually(
    () => query('sum(lastcall_work_duration_seconds_count)'),
    (count) => count === 404,
  );
  // A rate changes from scrape to scrape while its window fills: both are asked until they settle.
  const [all] = await eventually(
    () => Promise.all([readPrometheus(url, { window: '1m' }), increase('')]),
    ([{ ratePerSecond }, wanted]) => near(ratePerSecond!, wanted, 0.3),
  );
  // Three requests of 40 ms to one stream of 3 s: octaves of 32 to 64 ms, and of 2.048 to 4.096 s.
  const middle = all.durations.quantileMs(0.5);
  assert.ok(middle > 32 && middle < 64, `${middle}`);
  const long = all.durations.quantileMs(0.9);
  assert.ok(long > 2_048 && long < 4_096, `${long}`);
  const shareOf = (matchers: string, share: number): Promise<Reading[]> =>
    eventually(
      () =>
        Promise.all(
          [matchers, ''].map((some) => readPrometheus(url, { window: '1m', matchers: some })),
        ),
      ([part, whole]) => near(part!.ratePerSecond!, whole!.ratePerSecond! * share, 0.2),
    );
  const [streams] = await shareOf('job="api",kind="stream"', 1 / 4);
  assert.ok(streams!.durations.quantileMs(0.1) > 2_048);
  await shareOf(`instance="${targets[0]!}"`, 1 / 2);
  await assert.rejects(
    readPrometheus(url, { window: '1m', matchers: 'job="other"' }),
    /knows no lastcall_work_duration_seconds_bucket\{job="other"\}/,
  );
  await assert.rejects(readPrometheus(url, { matchers: 'job=' }), /answered 400: .*parse error/);
  await assert.rejects(readPrometheus(url, { window: '1m', matchers: 'kind="job"' }), /knows no/);
});
