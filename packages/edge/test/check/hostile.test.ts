// What no honest hand wrote: `pod check` answers or refuses, in a moment, and never breaks.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { checkFiles, EdgeError, readInventory } from '@lastcall/edge';
import { lastcall } from '../support/command.ts';
import { folder } from '../support/place.ts';

const aliases = (from: string): string =>
  Array.from({ length: 9 }, (_, i) => {
    const [to, of] = [`n${i + 1}`, i === 0 ? from : `n${i}`];
    return `${to}: &${to} [${Array.from({ length: 9 }, () => `*${of}`).join(', ')}]\n`;
  }).join('');
const merges = Array.from(
  { length: 25 },
  (_, i) =>
    `m${i + 1}: &m${i + 1} { <<: [${Array.from({ length: 9 }, () => `*m${i}`).join(', ')}] }\n`,
).join('');

/** A name, a text, and what is answered: nothing, or the message of a refusal. */
const FILES: [string, string, RegExp?][] = [
  ['bomb.yaml', `n0: &n0 [x]\n${aliases('n0')}kind: Deployment\nspec: *n9\n`],
  ['merges.yaml', `m0: &m0 { a: 1 }\n${merges}kind: Deployment\nspec: *m25\n`],
  [
    'self.yaml',
    'kind: Deployment\nspec: &a\n  <<: *a\n  template: *a\n  spec: *a\n  containers: &c [*c, *a]\n',
  ],
  [
    'many.yaml',
    `kind: Deployment\nx: &x { a: 1 }\nspec: { template: { spec: { containers: [${'*x, '.repeat(50_000)}] } } }\n`,
  ],
  ['nowhere.yaml', 'kind: Deployment\nspec: *nope\n', /nowhere\.yaml:2:7: No anchor "nope"/],
  [
    'deep.yaml',
    `kind: Pod\nspec: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`,
    /deep\.yaml:2:\d+: /,
  ],
  ['documents.yaml', '---\n---\nkind: Foo\n---\nkind: Deployment\n---\n# nothing\n...\n---\n'],
  ['kinds.yaml', 'kind: [Deployment]\n---\nkind: { a: b }\n---\nkind: Nobody/Knows\nspec: 5\n'],
  [
    'list.yaml',
    'kind: List\nitems: { a: b }\n---\nkind: List\nitems: [{ kind: Pod }, { kind: List, items: 5 }]\n',
  ],
  [
    'keys.yaml',
    'kind: Pod\n? [a]\n: b\n? { a: b }\n: c\nspec: { ? : x, containers: [a: b, { ? [c] : d }] }\n',
  ],
  [
    'types.yaml',
    'kind: Deployment\nmetadata: [1]\nspec: { replicas: {}, strategy: 5, template: { metadata: { labels: [a] }, spec: { terminationGracePeriodSeconds: [3], containers: { name: x } } } }\n',
  ],
  [
    'containers.yaml',
    'kind: Pod\nspec: { containers: [null, 1, x, [], { name: [1], env: { a: 1 }, command: {}, args: 3, ports: [1, { name: {} }], lifecycle: [], readinessProbe: x, livenessProbe: { httpGet: 5, periodSeconds: 1e400 } }, { env: [null, 1, { name: null, value: {} }], lifecycle: { preStop: { exec: 5, sleep: { seconds: .inf } } }, ports: 5 }] }\n',
  ],
  [
    'others.yaml',
    'kind: HorizontalPodAutoscaler\nspec: { minReplicas: x, behavior: { scaleDown: { policies: [1, null, { type: [] }] } } }\n---\nkind: PodDisruptionBudget\nspec: { selector: { matchLabels: [a] }, minAvailable: [5], maxUnavailable: {} }\n---\nkind: Service\nspec: 5\n',
  ],
  [
    'names.yaml',
    'kind: Pod\nmetadata: { name: __proto__, labels: { __proto__: x, constructor: y } }\nspec: { containers: [{ name: __proto__ }] }\n',
  ],
  ['tags.yaml', 'kind: Pod\nspec: !!set { a, b }\nmetadata: !foo { a: b }\nx: !!binary "%%%"\n'],
  ['text.yaml', 'hello\n', /neither "kind"/],
  [
    'compose.yaml',
    'services: { a: 5, b: null, c: [x], d: { command: {}, environment: 5, stop_grace_period: [1], healthcheck: 3 } }\n',
  ],
  ['noise.yaml', '\0\u0001\u00ff{{[[\n\t- :\n', /noise\.yaml/],
  [
    'deep.conf',
    `${'a {'.repeat(20_000)}${'}'.repeat(20_000)}`,
    /deep\.conf:1:\d+: More than 200 levels/,
  ],
  ['bare.conf', 'upstream { server; }\nserver;\nproxy_next_upstream;\nlocation { proxy_pass; }\n'],
  [
    'bare.cfg',
    'global\nbackend\n server\n default-server inter\n timeout server\nlisten\n retries\n',
  ],
  [
    'bare.service',
    '[Service]\nExecStart=\nTimeoutStopSec=abc\nEnvironment="=x" A "B=\nKillMode\\',
    /bare\.service:5/,
  ],
  ['Dockerfile', 'FROM x\nENTRYPOINT\nCMD [\nSTOPSIGNAL\n'],
];

for (const [name, text, refusal] of FILES)
  test(`${name} is ${refusal ? 'refused' : 'answered'}`, { timeout: 60_000 }, (t) => {
    const file = join(folder(t), name);
    writeFileSync(file, text);
    const check = (): unknown => checkFiles([file]);
    if (!refusal) assert.ok(Array.isArray(check()));
    else assert.throws(check, (error) => error instanceof EdgeError && refusal.test(error.message));
  });

test('2,000 manifests in one file are checked', (t) => {
  const file = join(folder(t), 'large.yaml');
  const one = (i: number): string =>
    `kind: Deployment\nmetadata: { name: a${i} }\nspec: { replicas: 1, template: { terminationGracePeriodSeconds: 5, spec: { containers: [{ name: app, ports: [{ containerPort: 80 }] }] } } }\n`;
  writeFileSync(file, Array.from({ length: 2_000 }, (_, i) => one(i)).join('---\n'));
  assert.equal(checkFiles([file]).filter(({ rule }) => rule === 'LC111').length, 2_000);
});

test('merge keys are followed: a map, a list of maps, the first that has the key', (t) => {
  const file = join(folder(t), 'merged.yaml');
  writeFileSync(
    file,
    `x-a: &a { terminationGracePeriodSeconds: 0 }
x-b: &b { terminationGracePeriodSeconds: 60 }
x-c: &c { <<: *a }
kind: Pod
spec: { <<: [*c, *b], containers: [{ name: app }] }
---
kind: Pod
spec: { <<: [*b, *a], containers: [{ name: app }] }
`.replace(
      '---\n',
      '---\nx-a: &a { terminationGracePeriodSeconds: 0 }\nx-b: &b { terminationGracePeriodSeconds: 60 }\n',
    ),
  );
  const zero = checkFiles([file]).filter(({ rule }) => rule === 'LC119');
  assert.deepEqual(
    zero.map(({ line }) => line),
    [1],
  );
});

test('a finding is one line, however long the script that it quotes, and a terminal does not act on it', async (t) => {
  const file = join(folder(t), 'script.yaml');
  writeFileSync(
    file,
    `kind: Pod\nspec: { containers: [{ name: "a\\e[31m", command: [sh, -c, "${'true;\\n'.repeat(500)}"] }] }\n`,
  );
  const message = checkFiles([file]).find(({ rule }) => rule === 'LC112')?.message ?? '';
  assert.match(message, /^Container a.* is started by: sh -c true; true; .* \.\.\.$/);
  assert.ok(message.length < 400);
  const { code, out } = await lastcall(['pod', 'check', file]);
  assert.equal(code, 1);
  assert.match(out, /Container a\uFFFD\[31m/);
  assert.ok(!out.includes('\u001b'));
});

test('the same fault on the same line of two files is found in both', (t) => {
  const dir = folder(t);
  const files = ['one.yaml', 'two.yaml'].map((name) => join(dir, name));
  for (const file of files)
    writeFileSync(
      file,
      'kind: Deployment\nspec: { replicas: 2, terminationGracePeriodSeconds: 60 }\n',
    );
  const misplaced = checkFiles(files).filter(({ rule }) => rule === 'LC121');
  assert.deepEqual(
    misplaced.map(({ file }) => file),
    files,
  );
});

for (const [name, text, message] of [
  [
    'aliases that multiply',
    `n0: &n0 [x]\n${aliases('n0')}upstream: app\nnodes: *n9\n`,
    /cannot be read: .*alias/i,
  ],
  ['an alias of nothing', 'upstream: *nope\n', /cannot be read: .*nope/],
  ['nothing', '', /\(the file\)/],
  [
    'the same node twice',
    'upstream: a\nnginx: { config: x }\nnodes: [{ server: "a:1" }, { server: "a:1" }]\n',
    /nodes\.1\.server: a:1 is there already/,
  ],
  [
    'a server of HAProxy without url',
    'upstream: a\nhaproxy: { socket: x }\nnodes: [{ server: node1 }]\n',
    /nodes\.0\.url: expected where node1 answers/,
  ],
  [
    'a Unix socket without url',
    'upstream: a\nnginx: { config: x }\nnodes: [{ server: "unix:/run/x" }]\n',
    /nodes\.0\.url/,
  ],
  [
    'a port too high',
    'upstream: a\nnginx: { config: x }\nnodes: [{ server: "a:99999" }]\n',
    /nodes\.0\.url/,
  ],
  [
    'a number for a time',
    'upstream: a\nnginx: { config: x }\ngrace: 25\nnodes: [{ server: "a:1" }]\n',
    /grace: expected a duration such as 30s, got 25/,
  ],
  ['two documents', 'upstream: a\n---\nupstream: b\n', /edge\.yaml:2:1: /],
] as const)
  test(`edge.yaml with ${name} is refused`, (t) => {
    const file = join(folder(t), 'edge.yaml');
    writeFileSync(file, text);
    assert.throws(
      () => readInventory(file),
      (error) =>
        error instanceof EdgeError && (message.test(error.message) || assert.fail(error.message)),
    );
  });
