import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkFiles, haproxyConfig, nginxConfig } from '@lastcall/edge';
import { missing } from '../support/place.ts';

const deploy = fileURLToPath(new URL('../../../../deploy/', import.meta.url));
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' });

test('pod check finds nothing in the files of deploy/', () => {
  const files = globSync([
    `${deploy}k8s/*.yaml`,
    `${deploy}systemd/*.service`,
    `${deploy}{nginx,haproxy}/*`,
    `${deploy}Dockerfile`,
  ]);
  assert.ok(files.length >= 9);
  assert.deepEqual(checkFiles(files), []);
});

test('the proxy configurations are what edge-config writes', () => {
  const options = {
    upstream: 'inference',
    servers: ['10.0.0.1:8080', '10.0.0.2:8080', '10.0.0.3:8080'],
    listen: '80',
  };
  assert.equal(readFileSync(`${deploy}nginx/inference.conf`, 'utf8'), nginxConfig(options));
  assert.equal(readFileSync(`${deploy}haproxy/haproxy.cfg`, 'utf8'), haproxyConfig(options));
});

test(
  'promtool takes the rules, and each alert fires and resolves in its cases',
  { skip: missing('/usr/bin/promtool') },
  () => {
    run('promtool', 'check', 'config', `${deploy}prometheus/prometheus.yml`);
    run('promtool', 'test', 'rules', `${deploy}prometheus/rules.test.yaml`);
    const alerts = [
      ...readFileSync(`${deploy}prometheus/rules.yaml`, 'utf8').matchAll(/alert: (\w+)/g),
    ].map(([, name]) => name);
    const cases = readFileSync(`${deploy}prometheus/rules.test.yaml`, 'utf8');
    for (const name of alerts) {
      assert.match(cases, new RegExp(`alertname: ${name}\n +exp_alerts:\n`), `${name} fires`);
      // The last look at it finds it resolved.
      const last = cases.slice(cases.lastIndexOf(`alertname: ${name}\n`));
      assert.match(last, /^.*\n +exp_alerts: \[\]\n/, `${name} resolves`);
    }
  },
);

test(
  'amtool takes the Alertmanager configuration, and routes by severity',
  { skip: missing('/usr/bin/amtool') },
  () => {
    const config = `${deploy}alertmanager/alertmanager.yml`;
    run('amtool', 'check-config', config);
    const route = (severity: string): string =>
      run(
        'amtool',
        'config',
        'routes',
        'test',
        `--config.file=${config}`,
        `severity=${severity}`,
      ).trim();
    assert.deepEqual(
      [route('critical'), route('warning'), route('info')],
      ['pager', 'tickets', 'quiet'],
    );
  },
);

test('systemd takes the units', { skip: missing('/usr/bin/systemd-analyze') }, () => {
  const units = globSync(`${deploy}systemd/*`);
  assert.equal(units.length, 3);
  assert.equal(run('systemd-analyze', 'verify', ...units), '');
});
