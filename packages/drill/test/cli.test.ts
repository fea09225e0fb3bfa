// The verb as people run it: exit codes, what is printed, and an interrupt that leaves nothing.
import assert from 'node:assert/strict';
import { type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { plain } from './support/servers.ts';

const bin = new URL('../../cli/bin/lastcall.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'drill-cli-'));
after(() => {
  rmSync(folder, { recursive: true });
});

interface End {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: string[], options: SpawnOptions = {}) {
  const child = spawn(process.execPath, [bin, 'drill', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
    ...options,
  });
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const end = new Promise<End>((resolve) => {
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

test('0 when all is kept, with the three reports', async () => {
  const config = write('pass.yaml', { command, routes: { fast: '/' } });
  const args = ['-c', config, '--only', 'exit/idle', '--seed', '9'];
  const reports = ['--json', 'd.json', '--junit', 'd.xml', '--html', 'd.html'];
  const { code, out, err } = await start([...args, ...reports]).end;
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /pass {2}SHOULD {2}exit\/idle[^]*PASS: 1 passed.*seed 9/);
  assert.match(readFileSync(join(folder, 'd.json'), 'utf8'), /"passed": true/);
  assert.match(readFileSync(join(folder, 'd.xml'), 'utf8'), /<testsuites/);
  assert.match(readFileSync(join(folder, 'd.html'), 'utf8'), /<svg/);
});

test('1 when a MUST is not kept', async () => {
  const config = write('fail.yaml', { command, routes: { fast: '/' } });
  const args = ['-c', config, '--only', 'http1/keepalive-race', '--clients', '32'];
  const { code, out } = await start(args).end;
  assert.equal(code, 1);
  assert.match(
    out,
    /FAIL {2}MUST {4}http1\/keepalive-race[^]*http1\/keepalive-race \(MUST\) fails/,
  );
});

test('2 for a broken drill.yaml, with line, column and nearest key', async () => {
  writeFileSync(join(folder, 'broken.yaml'), 'command: x\nroutes:\n  fastt: /\n');
  const { code, err } = await start(['-c', 'broken.yaml']).end;
  assert.equal(code, 2);
  assert.match(err, /broken\.yaml:3:3: unknown key "fastt"\. Did you mean "fast"\?/);
});

test('2 without a server, for an unknown case, an option out of range, a command that fails', async () => {
  const none = await start([]).end;
  assert.equal(none.code, 2);
  assert.match(none.err, /lastcall drill -- COMMAND/);
  const unknown = await start(['--only', 'http1/keepalive-rase', '--list']).end;
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /Did you mean "http1\/keepalive-race"/);
  const range = await start(['--repeat', '0']).end;
  assert.equal(range.code, 2);
  assert.match(range.err, /expected a whole number from 1/);
  const missing = await start(['--', '/nowhere/server']).end;
  assert.equal(missing.code, 2);
});

/** Hides a child that outlives its parent and ignores signals, and prints without end. */
const nasty = `require('child_process').spawn(process.execPath,
  ['-e', 'process.on("SIGTERM",()=>{});setInterval(()=>{},1000)'], { detached: true, stdio: 'ignore' }).unref();
  process.on('SIGTERM', () => {}); setInterval(() => process.stdout.write('x'.repeat(1e6)), 5);`;
const taken = net.createServer();

const badInput: readonly [string, object, RegExp][] = [
  ['a command that is not there', { command: ['/nowhere/server'] }, /cannot start.*ENOENT/],
  [
    'a command that exits early',
    { command: [process.execPath, '-e', `console.error('no database'); process.exit(7)`] },
    /exited with code 7 before it was ready[^]*no database/,
  ],
  [
    'a command that dies early and leaves a child',
    { command: [process.execPath, '-e', `${nasty} setTimeout(() => process.abort(), 300)`] },
    /exited with SIGABRT before it was ready/,
  ],
  [
    'a command that never listens, and prints megabytes',
    { command: [process.execPath, '-e', nasty], readyWithin: '1500ms' },
    /was not ready on 127\.0\.0\.1:\d+ within 1500 ms \(connect: ECONNREFUSED\)/,
  ],
  [
    'a port in use',
    { command, ports: { http: 'TAKEN' } },
    /ports\.http: port \d+ .* already in use/,
  ],
  [
    'a case left out that does not exist',
    { command, skip: { 'http1/half-hed': 'x' } },
    /Did you mean "http1\/half-head"/,
  ],
];

for (const [what, given, wanted] of badInput) {
  test(`2 for ${what}, and nothing is left running`, async (t) => {
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    t.after(() => taken.close());
    const port = String((taken.address() as net.AddressInfo).port);
    const mark = `bad-input-${process.pid}`;
    const file = join(folder, 'bad.yaml');
    const config = { routes: { fast: '/' }, env: { DRILL_TEST_MARK: mark }, ...given };
    writeFileSync(file, JSON.stringify(config).replace('"TAKEN"', port));
    const { code, err } = await start(['-c', 'bad.yaml', '--only', 'exit/idle']).end;
    assert.equal(code, 2, err);
    assert.match(err, wanted);
    assert(err.length < 200_000, `${err.length} bytes`);
    assert.deepEqual(marked(mark), []);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('drill-')),
      [],
    );
  });
}

test('--list and --dry-run start nothing', async () => {
  const list = await start(['--list', '--only', 'sse']).end;
  assert.equal(list.out.trim().split('\n').length, 6);
  const config = write('dry.yaml', { command: ['/nowhere/server'], routes: { fast: '/' } });
  const dry = await start(['-c', config, '--dry-run', '--only', 'connections']).end;
  assert.equal(dry.code, 0);
  assert.match(
    dry.out,
    /run {3}connections\/idle[^]*n\/a {3}connections\/never-reads {2}\(routes\.large/,
  );
});

test('what does not apply is told once for each reason, not case by case', async () => {
  const config = write('lacks.yaml', { command, routes: { fast: '/' } });
  const { out } = await start(['-c', config, '--only', 'exit/idle,sse']).end;
  assert.doesNotMatch(out, /n\/a/);
  assert.match(out, /Cases that do not apply[^]*\n +6 {2}routes\.stream is not given\n/);
});

test('a failure that is known is counted as one', async () => {
  const config = write('known.yaml', { command, routes: { fast: '/' } });
  writeFileSync(join(folder, 'known'), 'http1/keepalive-race\n');
  const only = ['--only', 'http1/keepalive-race', '--clients', '32'];
  const { code, out } = await start(['-c', config, ...only, '--known-failing', 'known']).end;
  assert.equal(code, 0);
  assert.match(out, /PASS: 0 passed, 1 failed \(0 of them SHOULD, 1 known\)/);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends the servers under attack as well`, async () => {
    const mark = `interrupted-${signal}-${process.pid}`;
    const config = write('interrupt.yaml', {
      command: [process.execPath, '-e', `${plain} process.on('SIGTERM', () => {});`],
      env: { DRILL_TEST_MARK: mark },
      routes: { fast: '/' },
    });
    const { child, end } = start(['-c', config, '--only', 'exit/idle']);
    while (marked(mark).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill(signal);
    assert.equal((await end).code, 130);
    assert.deepEqual(marked(mark), []);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('drill-')),
      [],
    );
  });
}

test('a drill that is interrupted between two cases leaves nothing of the next one', async () => {
  const mark = `between-${process.pid}`;
  // Each server leaves at once, so that the next case has started when the interrupt comes.
  const orphan = `require('child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();`;
  const config = write('between.yaml', {
    command: [process.execPath, '-e', `${orphan} ${plain}`],
    env: { DRILL_TEST_MARK: mark },
    routes: { fast: '/' },
  });
  for (let round = 0; round < 3; round += 1) {
    const args = [
      '-c',
      config,
      '--only',
      'exit/idle,connections',
      '--repeat',
      '1000',
      '--concurrency',
      '4',
    ];
    const { child, end } = start(args);
    let seen = 0;
    while (seen < 3) {
      const now = marked(mark).length;
      if (now > 0) seen += 1;
      await new Promise((resolve) => setTimeout(resolve, 40 + 20 * round));
    }
    child.kill('SIGINT');
    assert.equal((await end).code, 130);
    // What was killed on the way out may take a moment to be gone.
    const endMs = performance.now() + 10_000;
    while (marked(mark).length > 0 && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(marked(mark), []);
  }
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
