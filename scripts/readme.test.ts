import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');

test('the ten lines of the README are a server that stops in order', async (t) => {
  const [, lines = ''] = /```ts\n(import http[^]*?)```/.exec(readme) ?? [];
  assert.ok(lines.trim().split('\n').length <= 10);
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-readme-'));
  t.after(() => rmSync(folder, { recursive: true }));
  symlinkSync(`${root}node_modules`, join(folder, 'node_modules'));
  const program = `
    ${lines.replace('8080, () =>', '0, () => console.log(`port ${server.address().port}`) ??')}`;
  writeFileSync(join(folder, 'server.mjs'), program);
  const child = spawn(process.execPath, ['server.mjs'], { cwd: folder, stdio: 'pipe' });
  let output = '';
  child.stderr.on('data', (chunk) => (output += chunk));
  const port = await new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const found = /port (\d+)/.exec(output)?.[1];
      if (found) resolve(found);
    });
  });
  const ready = await fetch(`http://127.0.0.1:${port}/ready`);
  assert.equal(ready.status, 200);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'hello\n');
  child.kill('SIGTERM');
  const [code] = await once(child, 'close');
  assert.equal(code, 0, output);
  assert.match(output, /closed[^]*completed 1, lost 0/);
});
