import assert from 'node:assert/strict';
import {
  cpSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkFiles, EdgeError, fixFiles, toSarif } from '@lastcall/edge';

const folder = fileURLToPath(new URL('../manifests/bad/', import.meta.url));

function workplace(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-check-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

test('what --fix mends is gone afterwards, and no other line has changed', (t) => {
  const dir = workplace(t);
  let mended = 0;
  for (const file of globSync(`${folder}*`)) {
    const copy = join(dir, basename(file));
    cpSync(file, copy);
    const before = checkFiles([copy]);
    const fixed = fixFiles(before);
    const left = checkFiles([copy]).map(({ rule }) => rule);
    assert.deepEqual(
      left,
      before.filter((finding) => !fixed.includes(finding)).map(({ rule }) => rule),
      file,
    );
    const old = new Set(readFileSync(file, 'utf8').split('\n'));
    const changed = readFileSync(copy, 'utf8')
      .split('\n')
      .filter((line) => !old.has(line));
    assert.ok(changed.length <= fixed.length, `${file}: ${changed.join('|')}`);
    mended += fixed.length;
  }
  assert.ok(mended >= 15, `${mended} mended`);
});

test('a file that is named twice is mended once', (t) => {
  const dir = workplace(t);
  const file = join(dir, 'twice.yaml');
  writeFileSync(file, readFileSync(`${folder}LC101-default-period.yaml`));
  symlinkSync(file, join(dir, 'link.yaml'));
  const files = [file, join(dir, '.', 'twice.yaml'), join(dir, 'link.yaml')];
  assert.equal(fixFiles(checkFiles(files)).length, 1);
  assert.equal(readFileSync(file, 'utf8').match(/terminationGracePeriodSeconds/g)?.length, 1);
  assert.deepEqual(checkFiles(files), []);
});

test('a fix goes through a symbolic link and keeps the mode', (t) => {
  const dir = workplace(t);
  const file = join(dir, 'real.yaml');
  const link = join(dir, 'link.yaml');
  writeFileSync(file, readFileSync(`${folder}LC101-period-below-grace.yaml`), { mode: 0o640 });
  symlinkSync(file, link);
  assert.equal(fixFiles(checkFiles([link])).length, 1);
  assert.match(readFileSync(file, 'utf8'), /terminationGracePeriodSeconds: 245/);
});

for (const [name, text, message] of [
  ['broken.yaml', 'kind: Deployment\nspec: [1, 2\nmetadata: {}\n', /broken\.yaml:3:1: /],
  [
    'broken.conf',
    'http {\n  upstream a {\n    server 10.0.0.1\n  }\n}\n',
    /broken\.conf:3:5: .*";"/,
  ],
  ['open.conf', 'http {\n  server {\n', /open\.conf:2:10: .*never closed/],
  ['broken.cfg', 'bind :80\n', /broken\.cfg:1:1: .*before the first section/],
  ['broken.service', '[Service]\nExecStart\n', /broken\.service:2:1: /],
  ['Dockerfile', 'CMD ["node"]\n', /Dockerfile:1:1: .*FROM/],
  ['notes.txt', 'hello', /its name tells no format/],
  ['other.yaml', 'hello: 1\n', /neither "kind"/],
] as const)
  test(`refuses ${name} and says where`, (t) => {
    const file = join(workplace(t), name);
    writeFileSync(file, text);
    assert.throws(
      () => checkFiles([file]),
      (error) => error instanceof EdgeError && error.exitCode === 2 && message.test(error.message),
    );
    assert.equal(readFileSync(file, 'utf8'), text);
  });

test('SARIF names each rule once and points at the place', () => {
  const findings = checkFiles([
    `${folder}LC101-period-below-grace.yaml`,
    `${folder}LC112-bash-pipeline.yaml`,
  ]);
  const sarif = toSarif(findings, '1') as unknown as {
    runs: [
      {
        tool: { driver: { rules: { id: string }[] } };
        results: {
          ruleIndex: number;
          ruleId: string;
          locations: [{ physicalLocation: { region: { startLine: number } } }];
        }[];
      },
    ];
  };
  const [run] = sarif.runs;
  assert.deepEqual(
    run.tool.driver.rules.map(({ id }) => id),
    ['LC101', 'LC112'],
  );
  for (const result of run.results)
    assert.equal(run.tool.driver.rules[result.ruleIndex]?.id, result.ruleId);
  assert.deepEqual(
    run.results.map((result) => result.locations[0].physicalLocation.region.startLine),
    findings.map(({ line }) => line),
  );
});
