// What the verb says is what the drill does, and what a server printed moves no terminal.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { plain } from './support/servers.ts';

const bin = new URL('../../cli/bin/lastcall.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'drill-cli-more-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function start(args: string[]) {
  const child = spawn(process.execPath, [bin, 'drill', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const end = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.once('close', (code) => {
      resolve({ code, out, err });
    });
  });
  return { child, end };
}

function write(name: string, config: unknown): string {
  writeFileSync(join(folder, name), JSON.stringify(config));
  return name;
}

const command = [process.execPath, '-e', plain];

test('--dry-run names the cases of the areas that drill.yaml names, and no others', async () => {
  const config = write('areas.yaml', { command, routes: { fast: '/' }, areas: ['connections'] });
  const { out } = await start(['-c', config, '--dry-run']).end;
  const areas = out.match(/(?:run |n\/a ) {2}\w+(?=\/)/g)?.map((line) => line.slice(6));
  assert.deepEqual([...new Set(areas)], ['connections']);
});

test('what a server printed before it failed does not move the terminal', async () => {
  const code = String.raw`console.error('\u001b]0;owned\u0007\u001b[2J'); process.exit(1)`;
  const config = write('nasty.yaml', { command: [process.execPath, '-e', code] });
  const { code: status, err } = await start(['-c', config]).end;
  assert.equal(status, 2);
  assert.match(err, /owned/);
  assert(!err.includes('\u0007') && !err.includes('\u001b'));
});

test('an empty program is bad use', async () => {
  const { code, err } = await start(['--', '']).end;
  assert.equal(code, 2);
  assert.match(err, /^lastcall drill: .*expected a program/);
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

test('SIGQUIT ends the servers under attack as well', async () => {
  const mark = `interrupted-SIGQUIT-${process.pid}`;
  const config = write('quit.yaml', {
    command: [process.execPath, '-e', `${plain} process.on('SIGTERM', () => {});`],
    env: { DRILL_TEST_MARK: mark },
    routes: { fast: '/' },
  });
  const { child, end } = start(['-c', config, '--only', 'exit/idle']);
  while (marked(mark).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGQUIT');
  assert.equal((await end).code, 130);
  assert.deepEqual(marked(mark), []);
});

test('the reports of an earlier drill are gone when this one has no result', async () => {
  const config = write('dies.yaml', { command: [process.execPath, '-e', 'process.exit(1)'] });
  const reports = ['old.json', 'old.xml', 'old.html'];
  for (const name of reports) writeFileSync(join(folder, name), 'all is well');
  const [json = '', junit = '', html = ''] = reports;
  const args = ['-c', config, '--json', json, '--junit', junit, '--html', html];
  await start([...args, '--dry-run']).end;
  assert.equal(readFileSync(join(folder, json), 'utf8'), 'all is well', 'a dry run writes nothing');
  assert.equal((await start(args).end).code, 2);
  for (const name of reports) assert.equal(readFileSync(join(folder, name), 'utf8'), '', name);
});

test('--dry-run refuses what the drill would refuse', async () => {
  const config = write('skips.yaml', { command, skip: { 'http1/half-hed': 'x' } });
  const { code, err } = await start(['-c', config, '--dry-run']).end;
  assert.equal(code, 2);
  assert.match(err, /Did you mean "http1\/half-head"/);
});
