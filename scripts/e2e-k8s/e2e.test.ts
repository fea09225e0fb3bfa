import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { manifests } from './manifests.ts';

const ALL = new Set(['v1', 'apps/v1', 'policy/v1', 'autoscaling/v2', 'monitoring.coreos.com/v1']);
const setting = {
  image: 'registry.example/inference:1',
  operatorCidrs: '10.0.0.0/24',
  databaseUrl: 'postgres://db.example/app',
  apiVersions: ALL,
};

test('without a cluster e2e:k8s says what it needs, with an example, and exits with 2', () => {
  const run = fileURLToPath(new URL('run.ts', import.meta.url));
  const { KUBECONFIG: _, ...env } = process.env;
  const { status, stderr } = spawnSync(process.execPath, [run], { env, encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /KUBECONFIG is not set[^]*\$ KUBECONFIG=.* npm run e2e:k8s/);
});

test('the files of deploy/k8s are applied with what the cluster decides', () => {
  const { apply, unknown } = manifests(setting);
  const text = JSON.stringify(apply);
  assert.deepEqual(unknown, []);
  assert.equal(apply.length, 6);
  assert.match(text, /"image":"registry.example\/inference:1"/);
  assert.match(text, /"name":"LASTCALL_OPERATOR_CIDRS","value":"10.0.0.0\/24"/);
  assert.match(text, /"kind":"Secret".*postgres:\/\/db.example\/app/);
});

test('without a database each pod has its own; kinds that the cluster does not know are told', () => {
  const { apply, unknown } = manifests({
    ...setting,
    databaseUrl: undefined,
    apiVersions: new Set(['v1', 'apps/v1']),
  });
  assert.doesNotMatch(JSON.stringify(apply), /DATABASE_URL|Secret/);
  assert.deepEqual(unknown.sort(), [
    'HorizontalPodAutoscaler (autoscaling/v2)',
    'PodDisruptionBudget (policy/v1)',
    'ServiceMonitor (monitoring.coreos.com/v1)',
  ]);
});
