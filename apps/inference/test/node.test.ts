import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const lastcall = `${root}packages/cli/bin/lastcall.js`;

/** Reads a stream to its end; `begun` is called with the first bytes. */
async function readStream(url: string, begun: () => void): Promise<string> {
  const response = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      input: 'When',
      min_output_tokens: 60,

      stream: true,
    }),
  });
  let text = '';
  for await (const chunk of response.body ?? []) {
    if (text === '') begun();
    text += Buffer.from(chunk as Uint8Array).toString();
  }
  return text;
}

test('npm start serves it under the process manager', () => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    scripts: Record<string, string>;
  };
  assert.match(
    scripts['start:run'] ?? '',
    /lastcall\.js serve --config apps\/inference\/lastcall\.yaml/,
  );
});

test('on two workers a stream runs through a reload to its end', { timeout: 240_000 }, async () => {
  await using folder = dataFolder();
  const control = join(folder.path, 'control.sock');
  const config = `${root}apps/inference/lastcall.yaml`;
  await using node = await startService(
    { LASTCALL_DATA_DIR: folder.path, LASTCALL_PROVE_MS: '100', HOST: '127.0.0.1' },
    { cwd: root, program: [lastcall, 'serve', '--config', config, '--control', control] },
  );
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const stream = readStream(node.url, resolve);
  await begun;
  const { stdout } = await run(process.execPath, [lastcall, 'reload', '--control', control]);
  assert.match(stdout, /reload/i);
  const text = await stream;
  assert.match(text, /event: response\.completed/, text.slice(-600) + node.output());
  assert.equal((await fetch(`${node.url}/ready`)).status, 200);
  assert.equal(await node.end('SIGTERM'), 0, node.output());
  assert.doesNotMatch(node.output(), /lost [1-9]/);
  assert.equal(node.output().match(/Ready after/g)?.length, 1, 'greets once');
});
