// What no API server would take is refused before a process is started.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { readPodPlan, rehearse } from '@lastcall/edge';
import { carryOut } from '../../src/rehearse/call.ts';
import type { Call } from '../../src/rehearse/plan.ts';
import { folder } from '../support/place.ts';

const manifest = (fields: string, replicas = '1', period = '30'): string =>
  `kind: Deployment
spec:
  replicas: ${replicas}
  template:
    spec:
      terminationGracePeriodSeconds: ${period}
      containers: [{ name: app, command: [x], ${fields} }]
`;

for (const [name, text, message] of [
  ['replicas below none', manifest('', '-1'), /:3:3: .*whole number from 0, got -1/],
  [
    'a period that is no number',
    manifest('', '1', 'soon'),
    /:6:7: .*whole number from 0, got "soon"/,
  ],
  [
    'a period of probes below zero',
    manifest('livenessProbe: { tcpSocket: {}, periodSeconds: -1 }'),
    /from 1, got -1/,
  ],
  [
    'a probe that runs nothing',
    manifest('livenessProbe: { exec: { command: [] } }'),
    /exec has no command/,
  ],
  [
    'a probe over gRPC',
    manifest('readinessProbe: { grpc: { port: 1 } }'),
    /:7:\d+: probes by httpGet, tcpSocket and exec are rehearsed/,
  ],
  ['a signal that is none', manifest('lifecycle: { stopSignal: SIGFOO }'), /no signal SIGFOO/],
  [
    'a hook that sleeps for a word',
    manifest('lifecycle: { preStop: { sleep: { seconds: long } } }'),
    /from 0, got "long"/,
  ],
] as const)
  test(`a Deployment with ${name} is refused with its place`, (t) => {
    const file = join(folder(t), 'refused.yaml');
    writeFileSync(file, text);
    assert.throws(() => readPodPlan(file), { code: 'ERR_EDGE_CONFIG', message });
  });

test('times that no timer can wait are as long as one can, and odd entries are left out', (t) => {
  const file = join(folder(t), 'odd.yaml');
  writeFileSync(
    file,
    manifest(
      'env: [null, 5, { name: A, valueFrom: {} }, { name: N, value: 5 }], ports: [5, {}]',
      'null',
      '99999999999',
    ),
  );
  const plan = readPodPlan(file);
  assert.equal(plan.periodMs, 2 ** 31 - 1);
  assert.equal(plan.replicas, 1);
  assert.deepEqual(plan.env, { N: '5' });
});

test('a probe that cannot be tried at all has failed', async (t) => {
  const file = join(folder(t), 'plan.yaml');
  writeFileSync(file, manifest(''));
  const plan = readPodPlan(file);
  const { signal } = new AbortController();
  const calls: Call[] = [
    { kind: 'http', path: '/a b', port: undefined, headers: {} },
    { kind: 'http', path: '/', port: undefined, headers: { 'a b': 'c' } },
    { kind: 'exec', command: [''] },
  ];
  for (const call of calls) {
    const { ok, told } = await carryOut(call, plan, 1, {}, signal);
    assert.equal(ok, false);
    assert.notEqual(told, '');
  }
});

test('a program whose environment cannot be is told, and nothing runs on', async (t) => {
  const file = join(folder(t), 'plan.yaml');
  writeFileSync(file, manifest(String.raw`env: [{ name: "A\0B", value: x }]`));
  await assert.rejects(rehearse(readPodPlan(file, [process.execPath, '-e', '0'])), {
    code: 'ERR_EDGE_CONFIG',
    message: /cannot be started here: .*null bytes/,
  });
});
