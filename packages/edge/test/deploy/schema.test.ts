// Every file of deploy/k8s against the API's own types: an unknown key, a wrong type or value fails.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { folder } from '../support/place.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

interface Resource {
  apiVersion: string;
  kind: string;
}
type Model = new (data: Resource) => { validate(): void };

/** Where the types of a resource are. */
const moduleOf = ({ apiVersion }: Resource): string =>
  apiVersion.startsWith('monitoring.coreos.com/')
    ? `@kubernetes-models/prometheus-operator/${apiVersion}`
    : `kubernetes-models/${apiVersion}`;

const read = (text: string): Resource[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Resource);

/** What is wrong with resources; written as literals, so that the compiler finds keys that are not there. */
async function faults(t: TestContext, resources: Record<string, Resource[]>): Promise<string> {
  const dir = folder(t);
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }');
  const told: string[] = [];
  for (const [name, documents] of Object.entries(resources)) {
    const lines = documents.map((resource, i) => {
      const { kind } = resource;
      return `import type { I${kind} as T${i} } from '${moduleOf(resource)}/${kind}';\nexport const r${i}: T${i} = ${JSON.stringify(resource, null, 2)};\n`;
    });
    writeFileSync(join(dir, `${name}.ts`), lines.join('\n'));
    for (const resource of documents) {
      const models = (await import(moduleOf(resource))) as Record<string, Model>;
      try {
        new models[resource.kind]!(resource).validate();
      } catch (error) {
        told.push(`${name}: ${(error as Error).message}`);
      }
    }
  }
  const settings = '--noEmit --strict --skipLibCheck --module nodenext --target es2024 --types';
  const { stdout } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...settings.split(' '),
      '',
      ...globSync(join(dir, '*.ts')),
    ],
    { cwd: dir, encoding: 'utf8' },
  );
  return [...told, stdout.trim()].filter(Boolean).join('\n');
}

const deployment = readFileSync(join(root, 'deploy/k8s/prestop-readiness-lifecycle.yaml'), 'utf8');

test('every file of deploy/k8s is what the API takes, to the last key', async (t) => {
  const files = globSync(join(root, 'deploy/k8s/*.yaml'));
  assert.ok(files.length >= 5);
  const resources = files.map((file): [string, Resource[]] => [
    basename(file, '.yaml'),
    read(readFileSync(file, 'utf8')),
  ]);
  assert.equal(await faults(t, Object.fromEntries(resources)), '');
});

test('a misspelt key, a wrong type and a wrong value are found', async (t) => {
  const planted: Record<string, [from: string, to: string, told: RegExp]> = {
    key: ['minReadySeconds', 'minReadySecond', /"minReadySecond"' does not exist/],
    deep: ['failureThreshold: 60', 'failureThresholds: 60', /"failureThresholds"' does not exist/],
    type: ['replicas: 3', 'replicas: "3"', /type: data\/spec\/replicas must be integer/],
    value: ['type: RollingUpdate', 'type: Rolling', /strategy\/type must be equal to/],
    required: ['containerPort: 8080', 'protocol: TCP', /must have required property containerPort/],
  };
  const resources = Object.entries(planted).map(([name, [from, to]]): [string, Resource[]] => {
    assert.ok(deployment.includes(from), from);
    return [name, read(deployment.replace(from, to))];
  });
  const told = await faults(t, Object.fromEntries(resources));
  for (const [name, [, , wanted]] of Object.entries(planted))
    assert.match(told, wanted, `${name}: ${told}`);
});
