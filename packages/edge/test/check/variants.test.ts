// The same faults in other clothes, and what only looks like one.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkFiles, type RuleCode } from '@lastcall/edge';
import { folder } from '../support/place.ts';

const GOOD = readFileSync(
  fileURLToPath(new URL('../manifests/good/deployment.yaml', import.meta.url)),
  'utf8',
);

function variant(from: RegExp, to: string): string {
  assert.match(GOOD, from);
  return GOOD.replace(from, to);
}

const command = (words: string[]): string =>
  variant(/command: .*$/m, `command: ${JSON.stringify(words)}`);
const liveness = (probe: string): string =>
  variant(
    /livenessProbe:\n +httpGet:\n +path: .*\n +port: .*$/m,
    `livenessProbe:\n            ${probe}`,
  );
const readiness = (probe: string): string =>
  variant(
    /readinessProbe:\n +httpGet:\n +path: .*\n +port: .*$/m,
    `readinessProbe:\n            ${probe}`,
  );

for (const [name, text, rule] of [
  ['npm behind tini with flags', command(['tini', '-g', '--', 'npm', 'start']), 'LC113'],
  ['npm behind env', command(['/usr/bin/env', 'NODE_ENV=production', 'npm', 'start']), 'LC113'],
  [
    'yarn behind the entry point of the image',
    command(['docker-entrypoint.sh', 'yarn', 'start']),
    'LC113',
  ],
  ['yarn of corepack', command(['corepack', 'yarn', 'start']), 'LC113'],
  ['a shell behind env', command(['env', 'A=b', 'sh', '-c', 'node x.js; true']), 'LC112'],
  ['a login shell', command(['/bin/bash', '-lc', 'node x.js']), 'LC112'],
  ['node behind dumb-init', command(['dumb-init', 'node', 'x.js'])],
  ['a wrapper of nothing', command(['env'])],
  ['liveness on /ready/', liveness('httpGet: { path: /ready/, port: http }'), 'LC107'],
  [
    'liveness on /readyz?verbose',
    liveness('httpGet: { path: "/readyz?verbose", port: http }'),
    'LC107',
  ],
  [
    'liveness on /ready by a command',
    liveness('exec: { command: [curl, -f, "http://localhost:8080/ready"] }'),
    'LC107',
  ],
  ['liveness on /readyness', liveness('httpGet: { path: /readyness, port: http }')],
  [
    'liveness on /health by a command',
    liveness('exec: { command: [curl, -f, "http://localhost:8080/health"] }'),
  ],
  ['readiness on /health/', readiness('httpGet: { path: /health/, port: http }'), 'LC128'],
  [
    'readiness on /v1/health?full by a command',
    readiness('exec: { command: [curl, -f, "http://localhost:8080/v1/health?full"] }'),
    'LC128',
  ],
  [
    'readiness on /health that is slow too',
    readiness('httpGet: { path: /health, port: http }').replace(
      /(readinessProbe:\n.*\n +periodSeconds:) .*$/m,
      '$1 60',
    ),
    'LC128',
  ],
  ['readiness on /healthy', readiness('httpGet: { path: /healthy, port: http }')],
  ['readiness on /v2/health', readiness('httpGet: { path: /v2/health, port: http }')],
] as [string, string, RuleCode?][])
  test(`${name}: ${rule ?? 'nothing'} is found`, (t) => {
    const file = join(folder(t), 'variant.yaml');
    writeFileSync(file, text);
    assert.deepEqual(
      checkFiles([file]).map((finding) => finding.rule),
      rule === undefined ? [] : [rule],
    );
  });
