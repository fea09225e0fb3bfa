import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Cause, readPodPlan, rehearse, type RehearsalOptions } from '@lastcall/edge';
import { folder } from '../support/place.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}.ts`, import.meta.url));
const node = JSON.stringify(process.execPath);

const GOOD = `apiVersion: apps/v1
kind: Deployment
metadata: { name: rehearsed }
spec:
  replicas: 2
  selector: { matchLabels: { app: rehearsed } }
  template:
    metadata: { labels: { app: rehearsed } }
    spec:
      terminationGracePeriodSeconds: 14
      containers:
        - name: app
          image: app:1
          command: [${node}, ${JSON.stringify(fixture('service'))}]
          env:
            - { name: GRACEFUL_SHUTDOWN_TIMEOUT, value: "10" }
            - { name: LASTCALL_LEAVE_MIN_MS, value: 3000ms }
          ports: [{ name: http, containerPort: 8080 }]
          startupProbe: { httpGet: { path: /startup, port: http }, periodSeconds: 1, failureThreshold: 20 }
          readinessProbe: { httpGet: { path: /ready, port: http }, periodSeconds: 1, failureThreshold: 1 }
          livenessProbe: { httpGet: { path: /health, port: http }, periodSeconds: 1, failureThreshold: 2 }
          lifecycle: { preStop: { httpGet: { path: /shutdown/wait, port: http } } }
`;

const LONG = { paths: ['/', '/stream?ms=5000'] };

/** name, what is wrong, what has to be blamed, what clients do */
const FAULTS: [string, (text: string) => string, Cause, RehearsalOptions?][] = [
  ['a period below the grace', (text) => edit(text, 'Seconds: 14', 'Seconds: 2'), 'LC101', LONG],
  [
    'a hook that sleeps through the period',
    (text) => edit(edit(text, 'Seconds: 14', 'Seconds: 2'), HOOK, '{ sleep: { seconds: 60 } }'),
    'LC102',
    LONG,
  ],
  [
    'GET on a hook that takes POST',
    (text) => edit(text, '/shutdown/wait', '/shutdown/initiate'),
    'LC104',
  ],
  [
    'no time to leave',
    (text) =>
      edit(
        edit(text, 'LASTCALL_LEAVE_MIN_MS, value: 3000ms', 'LASTCALL_LEAVE_MAX_MS, value: "0"'),
        `lifecycle: { preStop: ${HOOK} }`,
        '',
      ),
    'LC105',
    { removalMs: 1_500 },
  ],
  [
    'no readiness probe and a slow boot',
    (text) =>
      edit(
        withoutLine(withoutLine(text, 'readinessProbe'), 'startupProbe'),
        'periodSeconds: 1, failureThreshold: 2',
        'periodSeconds: 5, failureThreshold: 3',
      ).replace(
        '- { name: GRACE',
        '- { name: BOOT_MS, value: "2000" }\n            - { name: GRACE',
      ),
    'LC106',
  ],
  [
    'liveness on a path that is not there',
    (text) => edit(text, 'path: /health', 'path: /hang'),
    'LC107',
  ],
  [
    'a slow start without a startup probe',
    (text) =>
      withoutLine(text, 'startupProbe').replace(
        '- { name: GRACE',
        '- { name: BOOT_MS, value: "4000" }\n            - { name: GRACE',
      ),
    'LC109',
    { bootMs: 8_000 },
  ],
  [
    'every pod at once',
    (text) => edit(text, 'replicas: 2', 'replicas: 2\n  strategy: { type: Recreate }'),
    'LC110',
  ],
  [
    'a shell that keeps the signal',
    (text) =>
      edit(
        edit(
          edit(text, `[${node}, `, `[sh, -c, '${process.execPath} `),
          `${JSON.stringify(fixture('service'))}]`,
          `${fixture('service')}; true']`,
        ),
        'Seconds: 14',
        'Seconds: 2',
      ).replace(`lifecycle: { preStop: ${HOOK} }`, ''),
    'LC112',
    LONG,
  ],
  [
    'a hook on a port that is not declared',
    (text) => edit(text, 'path: /shutdown/wait, port: http', 'path: /shutdown/wait, port: admin'),
    'LC118',
  ],
  ['no period at all', (text) => edit(text, 'Seconds: 14', 'Seconds: 0'), 'LC119', LONG],
  [
    'a signal that cannot be handled',
    (text) => edit(text, `lifecycle: { preStop: ${HOOK} }`, 'lifecycle: { stopSignal: SIGKILL }'),
    'LC126',
    LONG,
  ],
  [
    'a service that knows nothing of stopping',
    (text) =>
      edit(text, fixture('service'), fixture('plain'))
        .replaceAll(/path: \/(startup|ready|health)/g, 'path: /')
        .replace(HOOK, '{ sleep: { seconds: 2 } }'),
    'SERVICE',
    // Each client is in the middle of a request when the signal comes, 2 s after the endpoint has gone.
    { paths: ['/?ms=6000'], removalMs: 0, jitterMs: 0 },
  ],
];

const HOOK = '{ httpGet: { path: /shutdown/wait, port: http } }';

function edit(text: string, from: string, to: string): string {
  assert.ok(text.includes(from), `${from} is not in the manifest`);
  return text.replace(from, to);
}

const withoutLine = (text: string, start: string): string =>
  text
    .split('\n')
    .filter((line) => !line.trim().startsWith(start))
    .join('\n');

test('nothing is dropped with a sound manifest', async (t) => {
  const file = join(folder(t), 'good.yaml');
  writeFileSync(file, GOOD);
  const { sent, failures, causes, timeline } = await rehearse(readPodPlan(file), {
    paths: ['/', '/stream?ms=1500'],
  });
  assert.deepEqual(
    { failures: failures.map(({ told, cause }) => `${cause} ${told}`), causes },
    { failures: [], causes: [] },
  );
  assert.ok(sent > 100);
  assert.equal(timeline.filter(({ what }) => what.startsWith('exited (0)')).length, 2);
});

// They wait most of the time: three at once, each with few clients, load the machine less than one with many.
describe('a rehearsal blames', { concurrency: 3 }, () => {
  for (const [name, plant, cause, options] of FAULTS)
    it(`${cause} for ${name}`, async (t) => {
      const file = join(folder(t), 'fault.yaml');
      writeFileSync(file, plant(GOOD));
      const { causes, failures, timeline } = await rehearse(readPodPlan(file), {
        clients: 3,
        ...options,
      });
      const facts = JSON.stringify(
        {
          causes,
          failures: failures
            .slice(0, 5)
            .map(({ told, fault, cause, pod, kind }) => [kind, fault, told, cause, pod?.name]),
          timeline,
        },
        null,
        1,
      );
      assert.equal(causes[0]?.cause, cause, facts);
    });
});
