import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** In a terminal, where Ctrl-C goes to npm, to its shells and to the node alike. */
function inTerminal(command: string, env: Record<string, string>) {
  // `exec`: a shell between would take the Ctrl-C as well, and some say 130 whatever npm says.
  const child = spawn('script', ['-qfec', `exec ${command}`, '/dev/null'], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined); // It has ended.
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let output = '';
  let heard = (): void => undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
    heard();
  });
  const printed = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      heard = () => pattern.test(output) && resolve();
      heard();
      void ended.then(() => reject(new Error(`never printed ${pattern}: ${output}`)));
    });
  return { type: (text: string) => child.stdin.write(text), ended, printed, output: () => output };
}

test('npm start keeps the terminal until the last stream has ended', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-start-'));
  chmodSync(folder, 0o755);
  const admin = await freePort();
  const terminal = inTerminal('npm start', {
    PORT: '0',
    GRPC_PORT: '0',
    LASTCALL_ADMIN: `127.0.0.1:${admin}`,
    LASTCALL_DATA_DIR: folder,
    LASTCALL_CONTROL: join(folder, 'control.sock'),
  });
  t.after(async () => {
    terminal.type('\u0003');
    await terminal.ended;
    rmSync(folder, { recursive: true });
  });
  await terminal.printed(/ready: 2 workers on 127\.0\.0\.1:\d+/);
  const [, port] = /ready: 2 workers on 127\.0\.0\.1:(\d+)/.exec(terminal.output()) ?? [];
  await terminal.printed(new RegExp(`Console   http://127\\.0\\.0\\.1:${admin}/\\s`));
  const page = await fetch(`http://127.0.0.1:${admin}/`);
  assert.match(await page.text(), /<title>Lastcall<\/title>/);
  const stream = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: 'x', min_output_tokens: 80, stream: true }),
  });
  terminal.type('\u0003');
  assert.ok((await stream.text()).includes('event: response.completed'));
  assert.equal(await terminal.ended, 0, terminal.output());
  assert.match(terminal.output(), /completed [^]*lost 0[^]*has stopped: SIGINT \(exit code 0\)/);
  assert.throws(() => readFileSync(join(folder, 'control.sock')), { code: 'ENOENT' });
});
