// What stands in another place than the one that is looked at: behind an alias, in another namespace or
// file, after a comment.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { checkFiles, fixFiles } from '@lastcall/edge';
import { folder } from '../support/place.ts';

function written(t: TestContext, name: string, text: string): string {
  const file = join(folder(t), name);
  writeFileSync(file, text);
  return file;
}
const rulesOf = (file: string): string[] => checkFiles([file]).map(({ rule }) => rule);

const deployment = (name: string, namespace: string, replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec: { containers: [{ name: api, image: api }] }
---`;
const budget = (namespace: string, minAvailable: number): string => `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: api, namespace: ${namespace} }
spec: { minAvailable: ${minAvailable}, selector: { matchLabels: { app: api } } }
---`;
const scaler = (namespace: string, minReplicas: number): string => `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: api, namespace: ${namespace} }
spec: { minReplicas: ${minReplicas}, maxReplicas: 9, scaleTargetRef: { kind: Deployment, name: api } }
---`;

test('a budget counts all the pods that it selects, and those of its own namespace alone', (t) => {
  const check = (text: string): string[] => rulesOf(written(t, 'all.yaml', text));
  const pair = deployment('canary', 'prod', 1) + deployment('stable', 'prod', 5);
  assert.ok(!check(pair + budget('prod', 2)).includes('LC114'));
  assert.ok(check(pair + budget('prod', 6)).includes('LC114'));
  const both = deployment('api', 'staging', 2) + deployment('api', 'prod', 4);
  assert.ok(!check(both + budget('prod', 2)).includes('LC114'));
  assert.ok(check(both + budget('staging', 2)).includes('LC114'));
  assert.ok(check(deployment('api', 'staging', 2) + budget('prod', 1)).includes('LC115'));
  const scaled = both + scaler('staging', 2) + scaler('prod', 5);
  assert.ok(!check(scaled + budget('prod', 4)).includes('LC114'));
});

const pod = (container: string, rest = ''): string => `apiVersion: v1
kind: Pod
metadata:
  name: api
spec:
${rest}  containers:
    - name: api
      image: api
${container}`;

test('what an alias repeats is not edited: it would change in two places', (t) => {
  const probes = pod(`      env: [{ name: LASTCALL_NAME, value: api }]
      readinessProbe: &probe
        httpGet: { path: /ready, port: 8080 }
      livenessProbe: *probe
`);
  const values = pod(`      env: [{ name: GRACEFUL_SHUTDOWN_TIMEOUT, value: &g "25" }]
  terminationGracePeriodSeconds: *g
`);
  const compose = `services:
  web: &app
    image: api
    environment: { GRACEFUL_SHUTDOWN_TIMEOUT: "60" }
  worker: *app
`;
  for (const [name, text, rule] of [
    ['probes.yaml', probes, 'LC107'],
    ['values.yaml', values, 'LC122'],
    ['compose.yaml', compose, 'LC301'],
  ] as const) {
    const file = written(t, name, text);
    assert.ok(rulesOf(file).includes(rule), `${name}: ${rulesOf(file).join(', ')}`);
    assert.ok(
      fixFiles(checkFiles([file])).every((finding) => finding.rule !== rule),
      name,
    );
    assert.equal(readFileSync(file, 'utf8'), text, name);
  }
});

test('settings that come from elsewhere are not taken for defaults', (t) => {
  const open = pod(
    `      env: [{ name: LASTCALL_NAME, value: api }]
      envFrom: [{ configMapRef: { name: api } }]
      lifecycle: { preStop: { httpGet: { path: /shutdown/wait, port: 8080 } } }
`,
    '  terminationGracePeriodSeconds: 20\n',
  );
  const told = rulesOf(written(t, 'open.yaml', open));
  for (const rule of ['LC101', 'LC117']) assert.ok(!told.includes(rule), told.join(', '));
  const closed = rulesOf(written(t, 'closed.yaml', open.replace(/ +envFrom.*\n/, '')));
  for (const rule of ['LC101', 'LC117']) assert.ok(closed.includes(rule), closed.join(', '));
  const force = open.replace(/envFrom.*/, 'tty: false');
  const hidden = force.replace(
    'value: api }',
    'value: api }, { name: LASTCALL_FORCE_MS, valueFrom: { configMapKeyRef: { name: api, key: force } } }',
  );
  assert.ok(!rulesOf(written(t, 'hidden.yaml', hidden)).includes('LC101'));
});

test('a comment within a continued line of a unit is none of it', (t) => {
  const unit = (timeout: string): string => `[Service]
Type=notify
ExecStart=/usr/bin/env uvicorn \\
# as long as the longest answer
  --timeout-graceful-shutdown ${timeout} \\
  app:app
TimeoutStopSec=60
`;
  assert.ok(!rulesOf(written(t, 'short.service', unit('10'))).includes('LC201'));
  assert.ok(rulesOf(written(t, 'long.service', unit('300'))).includes('LC201'));
});
