// Prometheus and Alertmanager as they are deployed, but for the minutes that a test cannot wait.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, eventually, folder } from './place.ts';
import { freePort } from '../../../../scripts/ports.ts';

export const PROMETHEUS = '/usr/bin/prometheus';
export const ALERTMANAGER = '/usr/bin/prometheus-alertmanager';

const deploy = fileURLToPath(new URL('../../../../deploy/', import.meta.url));

interface Ends {
  after(end: () => unknown): void;
}

export const json = async <T>(url: string): Promise<T> =>
  (await fetch(url, { headers: { connection: 'close' } })).json() as Promise<T>;

async function run(t: Ends, program: string, args: string[], readyUrl: string): Promise<void> {
  const child = spawn(program, args, { stdio: 'ignore' });
  t.after(async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  });
  await eventually(`${program} is ready`, () => answers(readyUrl));
}

/** Returns its address. `alertmanager`: host and port that alerts go to. */
export async function startPrometheus(
  t: Ends,
  targets: readonly string[],
  alertmanager?: string,
): Promise<string> {
  const dir = folder(t);
  const port = await freePort();
  const rules = readFileSync(`${deploy}prometheus/rules.yaml`, 'utf8');
  writeFileSync(join(dir, 'rules.yaml'), rules.replace('for: 6m', 'for: 1s'));
  const alerting = alertmanager
    ? `alerting: { alertmanagers: [{ static_configs: [{ targets: ["${alertmanager}"] }] }] }\n`
    : '';
  writeFileSync(
    join(dir, 'prometheus.yml'),
    `global: { scrape_interval: 200ms, evaluation_interval: 200ms }\n${alerting}rule_files: [rules.yaml]\nscrape_configs:\n  - job_name: inference\n    static_configs: [{ targets: ${JSON.stringify(targets)} }]\n`,
  );
  const url = `http://127.0.0.1:${port}`;
  await run(
    t,
    PROMETHEUS,
    [
      `--config.file=${dir}/prometheus.yml`,
      `--storage.tsdb.path=${dir}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    `${url}/-/ready`,
  );
  return url;
}

/** Alertmanager with the example's route, its receivers on `receiver`. Returns host and port. */
export async function startAlertmanager(t: Ends, receiver: number): Promise<string> {
  const dir = folder(t);
  const port = await freePort();
  const example = readFileSync(`${deploy}alertmanager/alertmanager.yml`, 'utf8');
  const config = example
    .replaceAll('127.0.0.1:9999', `127.0.0.1:${receiver}`)
    .replace('group_wait: 10s', 'group_wait: 200ms')
    .replace('group_interval: 5m', 'group_interval: 500ms');
  writeFileSync(join(dir, 'alertmanager.yml'), config);
  await run(
    t,
    ALERTMANAGER,
    [
      `--config.file=${dir}/alertmanager.yml`,
      `--storage.path=${dir}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    `http://127.0.0.1:${port}/-/ready`,
  );
  return `127.0.0.1:${port}`;
}

/** One alert in a webhook call, and the path it came on. */
export interface Notice {
  path: string;
  name: string;
  status: string;
  instance: string;
}

/** Who is told by a webhook. */
export async function startReceiver(t: Ends): Promise<{ port: number; notices: Notice[] }> {
  const notices: Notice[] = [];
  const server = http.createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.once('end', () => {
      const { alerts } = JSON.parse(text) as {
        alerts: { status: string; labels: { alertname: string; instance: string } }[];
      };
      for (const { status, labels } of alerts)
        notices.push({
          path: request.url ?? '',
          name: labels.alertname,
          status,
          instance: labels.instance,
        });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, notices };
}
