import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(
  readFileSync(`${root}node_modules/@grpc/grpc-js/package.json`, 'utf8'),
) as { version: string };
const SERVICE = `
import { Server } from '@grpc/grpc-js';
import { createLifecycle } from 'lastcall';
import { attachGrpc } from 'lastcall/grpc';
attachGrpc(createLifecycle(), new Server());
console.log('attached');
`;

test('the packed packages install into another project, beside its own frameworks', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-pack-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', env }).trim();
  const packages = globSync('packages/*', { cwd: root }).map((path) => `${root}${path}`);
  run('npm', 'pack', '--silent', ...packages);
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  const packed = globSync('*.tgz', { cwd: folder }).map((file) => `./${file}`);
  assert.equal(packed.length, packages.length);
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  run('npm', 'install', ...quiet, ...packed, `@grpc/grpc-js@${version}`);
  writeFileSync(join(folder, 'service.js'), SERVICE);
  assert.equal(run(process.execPath, 'service.js'), 'attached');
  assert.match(run('npx', 'lastcall', '--version'), /^\d+\.\d+\.\d+$/);
  assert.match(run('npx', 'lastcall', 'serve', '--help'), /--workers/);
});
