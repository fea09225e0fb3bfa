// However a drill ends, nothing waits for ever, nothing is left running, and nobody else is ended.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { reload } from '../src/cases/reloading.ts';
import { schema } from '../src/config/schema.ts';
import { until } from '../src/engine/clock.ts';
import { Context } from '../src/engine/context.ts';
import { start } from '../src/engine/start.ts';
import { Timeline } from '../src/engine/timeline.ts';
import { plain, script } from './support/servers.ts';

const folder = mkdtempSync(join(tmpdir(), 'drill-left-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function marked(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const holds = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
      return holds && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  });
}

const gone = (mark: string) =>
  until(() => (marked(mark).length === 0 ? true : undefined), 5000, 50);

const source = (name: string): string => new URL(`../src/${name}`, import.meta.url).href;

/** Runs a module in a process group of its own. */
function runs(code: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...process.env, TMPDIR: folder },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  return once(child, 'close').then(([status, signal]) => ({
    end: (status ?? signal) as unknown,
    out,
  }));
}

test('a signal to nobody does not go to the drill’s own process group', async () => {
  const code = `import { sendSignal } from '${source('engine/processes.ts')}';
    console.log(sendSignal(0, 'SIGTERM'), sendSignal(-0, 'SIGTERM'));
    setTimeout(() => console.log('lives'), 100);`;
  assert.deepEqual(await runs(code), { end: 0, out: 'false false\nlives\n' });
});

test('a server that listens and never accepts is given up at readyWithin', async () => {
  const deaf = `import os, socket, time
s = socket.socket(); s.bind(('127.0.0.1', int(os.environ['PORT']))); s.listen(0); time.sleep(600)`;
  const config = {
    ...schema.parse({ command: ['python3', '-c', deaf], routes: { fast: '/' }, readyWithin: '4s' }),
    cwd: '.',
  };
  const startMs = performance.now();
  await assert.rejects(start(config, { temp: folder }, new Timeline()), { code: 'NEVER_READY' });
  assert(performance.now() - startMs < 30_000);
});

test('a server whose start is not over when its case is, is ended', async () => {
  const mark = `late-start-${process.pid}`;
  const slow = `setTimeout(() => { ${plain} }, 700);`;
  const config = script(slow, { env: { DRILL_TEST_MARK: mark }, readyWithin: '10s' });
  const ctx = new Context({ config, seed: 1, clients: 1 });
  const starting = ctx.start().then(() => 'started', String);
  await until(() => (marked(mark).length > 0 ? true : undefined), 5000);
  await ctx.end();
  assert.match(await starting, /The case is over/);
  assert.equal(await gone(mark), true, 'it still runs');
  await assert.rejects(ctx.start(), /The case is over/);
});

test('a drill that crashes leaves no server, and no folder', async () => {
  const mark = `crash-${process.pid}`;
  const code = `import { Context } from '${source('engine/context.ts')}';
    import { schema } from '${source('config/schema.ts')}';
    const command = [process.execPath, '-e', ${JSON.stringify(plain)}];
    const config = { ...schema.parse({ command, env: { DRILL_TEST_MARK: '${mark}' } }), cwd: '.' };
    const ctx = new Context({ config, seed: 1, clients: 1 });
    await ctx.start();
    setTimeout(() => { throw new Error('a bug'); }, 10);
    await new Promise(() => setTimeout(() => {}, 60_000));`;
  const { end } = await runs(code);
  assert.equal(end, 1);
  assert.equal(await gone(mark), true, 'it still runs');
  assert.deepEqual(readdirSync(folder), []);
});

test('a program that cannot be started for any reason is said plainly', async () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const config = { ...schema.parse({ command: [process.execPath, '-e', plain] }), cwd: file };
  await assert.rejects(start(config, { temp: folder }, new Timeline()), {
    code: 'START_FAILED',
    message: /cannot start [^]*ENOTDIR/,
  });
});

test('a reload command that never ends is ended with its case', async () => {
  const mark = `reload-${process.pid}`;
  const reloading = { env: { DRILL_TEST_MARK: mark }, reload: { command: ['sleep', '1000'] } };
  const ctx = new Context({ config: script(plain, reloading), seed: 1, clients: 1 });
  await ctx.start();
  const called = reload(ctx).catch(String);
  await until(() => (marked(mark).length > 1 ? true : undefined), 5000);
  await ctx.end();
  assert.equal(await gone(mark), true, 'it still runs');
  assert.match(String(await called), /SIGKILL/);
});
