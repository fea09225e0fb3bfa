import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Desk, readInventory, Watch } from '@lastcall/edge';
import { startCluster } from '../support/cluster.ts';
import { answers, eventually, folder, freePorts, HAPROXY, missing } from '../support/place.ts';

const deploy = fileURLToPath(new URL('../../../../deploy/', import.meta.url));
const PROMETHEUS = '/usr/bin/prometheus';
const skip = missing(PROMETHEUS) || missing(HAPROXY);

const json = async (url: string): Promise<Record<string, never>> =>
  (await fetch(url, { headers: { connection: 'close' } })).json() as Promise<Record<string, never>>;

async function startPrometheus(t: TestContext, targets: string[]): Promise<string> {
  const dir = folder(t);
  const [port = 0] = await freePorts(1);
  // The rules as they are deployed, but for the minutes that a test cannot wait.
  const rules = readFileSync(`${deploy}prometheus/rules.yaml`, 'utf8').replace(
    'for: 6m',
    'for: 1s',
  );
  writeFileSync(join(dir, 'rules.yaml'), rules);
  writeFileSync(
    join(dir, 'prometheus.yml'),
    `global: { scrape_interval: 200ms, evaluation_interval: 200ms }\nrule_files: [rules.yaml]\nscrape_configs:\n  - job_name: inference\n    static_configs: [{ targets: ${JSON.stringify(targets)} }]\n`,
  );
  const child: ChildProcess = spawn(
    PROMETHEUS,
    [
      `--config.file=${dir}/prometheus.yml`,
      `--storage.tsdb.path=${dir}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  t.after(async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually('Prometheus is ready', () => answers(`${url}/-/ready`));
  return url;
}

async function alertState(url: string, name: string): Promise<string> {
  const { data } = (await json(`${url}/api/v1/rules`)) as unknown as {
    data: { groups: { rules: { name: string; state: string; lastError?: string }[] }[] };
  };
  const found = data.groups.flatMap(({ rules }) => rules).find((rule) => rule.name === name);
  assert.equal(found?.lastError, undefined);
  return found?.state ?? 'absent';
}

test(
  'Prometheus sees a node drain: the alert fires, and resolves when the drain is undone',
  { skip },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy', { nodes: 1, env: { GRACE_MS: '60000' } });
    const node = `127.0.0.1:${cluster.nodes[0]!.port}`;
    const url = await startPrometheus(t, [node]);
    await eventually(
      'quiet at first',
      async () => (await alertState(url, 'LastcallNotReady')) === 'inactive',
    );
    const held = new AbortController();
    const stream = fetch(`http://${node}/hang`, { signal: held.signal }).catch(() => {});
    await eventually(
      'work is in flight',
      async () =>
        JSON.stringify(await json(`http://${node}/v1/streams/active-count`)) ===
        '{"active_streams":1}',
    );
    await fetch(`http://${node}/-/shutdown/drain`, {
      method: 'POST',
      headers: { connection: 'close' },
    });
    await eventually(
      'the alert fires',
      async () => (await alertState(url, 'LastcallNotReady')) === 'firing',
    );
    await fetch(`http://${node}/shutdown/reset`, {
      method: 'POST',
      headers: { connection: 'close' },
    });
    await eventually(
      'the alert resolves',
      async () => (await alertState(url, 'LastcallNotReady')) === 'inactive',
    );
    held.abort();
    await stream;
  },
);

test(
  'every query of the dashboard and of the rules names a metric that exists, and Prometheus can run it',
  { skip },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy', { nodes: 1, workers: 1 });
    await fetch(`${cluster.url}/`).then((response) => response.text());
    const watch = new Watch(new Desk(readInventory(cluster.inventory)), () => {});
    const watchPort = await watch.serveMetrics(0);
    const scraped = [
      `http://127.0.0.1:${cluster.nodes[0]!.port}/metrics`,
      `http://127.0.0.1:${watchPort}/metrics`,
    ];
    const known = new Set<string>();
    for (const target of scraped) {
      const text = await (await fetch(target, { headers: { connection: 'close' } })).text();
      for (const [, name] of text.matchAll(/^# TYPE (\w+) /gm)) known.add(name!);
    }
    const dashboard = JSON.parse(readFileSync(`${deploy}grafana/lastcall.json`, 'utf8')) as {
      panels: { title: string; targets: { expr: string }[] }[];
    };
    const rules = readFileSync(`${deploy}prometheus/rules.yaml`, 'utf8');
    const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    assert.ok(queries.length >= 15);
    const url = await startPrometheus(t, [`127.0.0.1:${cluster.nodes[0]!.port}`]);
    for (const text of [...queries, rules])
      for (const [name] of text.matchAll(/\b(?:lastcall_|in_flight_|drain_|graceful_|forced_)\w+/g))
        assert.ok(
          known.has(name.replace(/_bucket$/, '')),
          `${name} is no metric: ${[...known].join(' ')}`,
        );
    for (const query of queries) {
      const runnable = query
        .replaceAll('$__rate_interval', '1m')
        .replaceAll(/\$(job|instance)/g, '.*');
      const answer = (await json(
        `${url}/api/v1/query?query=${encodeURIComponent(runnable)}`,
      )) as Record<string, unknown>;
      assert.equal(answer.status, 'success', `${query}: ${JSON.stringify(answer)}`);
    }
  },
);
