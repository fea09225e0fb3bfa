import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Desk, readInventory, Watch } from '@lastcall/edge';
import { startCluster } from '../support/cluster.ts';
import { json, PROMETHEUS, startPrometheus } from '../support/monitoring.ts';
import { HAPROXY, missing } from '../support/place.ts';

const deploy = fileURLToPath(new URL('../../../../deploy/', import.meta.url));
const skip = missing(PROMETHEUS) || missing(HAPROXY);

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
      const answer = await json<{ status: string }>(
        `${url}/api/v1/query?query=${encodeURIComponent(runnable)}`,
      );
      assert.equal(answer.status, 'success', `${query}: ${JSON.stringify(answer)}`);
    }
  },
);
