// The drill as a whole: bad input is said plainly and leaves nothing running; verdicts add up.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type DrillCase, DrillError, defineCase } from '../src/case.ts';
import { loadCases } from '../src/cases/load.ts';
import type { DrillConfig } from '../src/config/schema.ts';
import { schema } from '../src/config/schema.ts';
import { type DrillOptions, drill, select } from '../src/engine/drill.ts';
import { start } from '../src/engine/start.ts';
import { Timeline } from '../src/engine/timeline.ts';
import { runCase } from '../src/engine/run.ts';
import { reasons } from '../src/verdict/summary.ts';
import { plain, script } from './support/servers.ts';

// A folder of our own: another drill may be running on this machine.
const folder = mkdtempSync(join(tmpdir(), 'drill-test-'));
process.env['TMPDIR'] = folder;
after(() => {
  rmSync(folder, { recursive: true });
});

const all = await loadCases();
const pick = (...slugs: string[]): DrillCase[] => select(all, slugs);

function run(config: DrillConfig, options: Partial<DrillOptions> = {}) {
  return drill({
    config,
    cases: pick('exit/idle'),
    seed: 1,
    repeat: 1,
    confidence: 0.95,
    concurrency: 2,
    clients: 8,
    strict: false,
    knownFailing: new Set(),
    ...options,
  });
}

async function refused(config: DrillConfig): Promise<DrillError> {
  try {
    await run(config);
  } catch (error) {
    assert(error instanceof DrillError, String(error));
    return error;
  }
  throw new Error('the drill ran');
}

test('a command that does not exist', async () => {
  const error = await refused({ ...schema.parse({ command: ['/nowhere/server'] }), cwd: '.' });
  assert.equal(error.code, 'START_FAILED');
  assert.match(error.message, /cannot start "\/nowhere\/server": ENOENT/);
});

test('a command that exits early is shown with its output', async () => {
  const error = await refused(script('console.error("no database"); process.exit(7)'));
  assert.equal(error.code, 'EXITED_EARLY');
  assert.match(error.message, /code 7 before it was ready[^]*no database/);
});

test('a command that never listens, prints megabytes and hides a child is ended with all of it', async () => {
  const hide = `require('child_process').spawn(process.execPath,
    ['-e', 'process.on("SIGTERM",()=>{});setInterval(()=>{},1000)'], { detached: true, stdio: 'ignore' }).unref();
    setInterval(() => process.stdout.write('x'.repeat(1e6)), 5); process.on('SIGTERM', () => {});`;
  const mark = `never-listens-${process.pid}`;
  const config = script(hide, { env: { DRILL_TEST_MARK: mark }, readyWithin: '1500ms' });
  const error = await refused(config);
  assert.equal(error.code, 'NEVER_READY');
  assert(error.message.length < 200_000);
  const alive = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && holds(pid, mark));
  assert.deepEqual(alive, []);
});

function holds(pid: string, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
  } catch {
    return false;
  }
}

test('a fixed port that is in use is not attacked', async () => {
  const other = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as net.AddressInfo;
  const error = await refused(script(plain, { ports: { http: port } }));
  other.close();
  assert.equal(error.code, 'PORT_IN_USE');
  assert.match(error.message, new RegExp(`ports\\.http: port ${port}`));
});

test('another program that answers on the server’s port is not taken for the server', async (t) => {
  const other = http.createServer((_, response) => response.end('hello'));
  t.after(() => other.close());
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as net.AddressInfo;
  const elsewhere = script(`require('net').createServer().listen(0, '127.0.0.1')`, {
    routes: { fast: '/' },
    readyWithin: '1500ms',
  });
  const options = { temp: folder, ports: { http: port } };
  await assert.rejects(start(elsewhere, options, new Timeline()), /another program answers/);
});

test('an orphan fails a case that would have passed', async () => {
  const orphan = `${plain} require('child_process').spawn(process.execPath,
    ['-e', 'setInterval(()=>{},1000)'], { detached: true, stdio: 'ignore' }).unref();`;
  const [idle] = pick('exit/idle');
  assert(idle);
  const result = await runCase(idle, { config: script(orphan), seed: 1, clients: 8 });
  assert.equal(result.verdict, 'fail');
  assert.match(result.expected ?? '', /no process to outlive/);
});

test('a case that hangs is ended at its limit, and one that throws says what', async () => {
  const thrown = defineCase({
    slug: 'exit/thrown',
    level: 'MUST',
    sentence: 'x',
    source: 'x',
    needs: [],
    run: () => Promise.reject(new Error('a bug of the case')),
  });
  const result = await runCase(thrown, { config: script(plain), seed: 1, clients: 8 });
  assert.deepEqual([result.verdict, result.actual], ['fail', 'a bug of the case']);
});

test('a case whose route is missing is not applicable, and says which', async () => {
  const [slow] = pick('http1/in-flight-request');
  assert(slow);
  const result = await runCase(slow, { config: script(plain), seed: 1, clients: 8 });
  assert.deepEqual([result.verdict, result.actual], ['not applicable', 'routes.slow is not given']);
});

test('a case can be left out with its reason', async () => {
  const why = 'it has no idle state';
  const config = script(plain, { routes: { fast: '/' }, skip: { 'exit/idle': why } });
  const [one] = (await run(config)).cases;
  assert.deepEqual([one?.verdict, one?.shown.actual], ['not applicable', `left out: ${why}`]);
});

test('an application that answers every path with 200 is not accused of a drain', async () => {
  const config = script(plain, { routes: { ready: '/ready', drain: 'POST /-/shutdown/drain' } });
  const result = await run(config, {
    cases: pick('admin/path-tricks', 'admin/get-does-not-drain', 'admin/smuggling'),
  });
  assert.deepEqual(
    result.cases.map((one) => one.verdict),
    ['pass', 'pass', 'pass'],
  );
});

test('a SHOULD counts only when strict, and a known failure that passes fails the drill', async () => {
  // Killed by the signal in the middle of its work, at once and without a word.
  const config = script(plain, { routes: { fast: '/' } });
  const cases = pick('exit/idle', 'connections/closed-in-order');
  const result = await run(config, { cases });
  assert.deepEqual(reasons(result), []);
  const listed = await run(config, { cases, knownFailing: new Set(['exit/idle']) });
  assert.match(reasons(listed).join(), /exit\/idle is listed as known to fail, but passes/);
  const should = {
    ...all[0],
    level: 'SHOULD',
    needs: [],
    run: () => Promise.reject(new Error('x')),
  };
  const failing = await run(config, { cases: [should as unknown as DrillCase] });
  assert.deepEqual(reasons(failing), []);
  assert.equal(reasons({ ...failing, strict: true }).length, 1);
});

test('a bare server loses requests, and the loss comes with its interval', async () => {
  const config = script(plain, { routes: { fast: '/' } });
  const cases = pick('http1/keepalive-race');
  const result = await run(config, { cases, repeat: 2, clients: 32 });
  const [one] = result.cases;
  assert.equal(one?.verdict, 'fail');
  assert.equal(one.runs.length, 2);
  assert(one.totals.lost > 0 && one.interval.low > 0 && one.interval.high <= 1);
});

test('a rate to be shown repeats a load case until enough was promised', async () => {
  const code = plain.replace('.listen', ".on('x', () => {}).listen");
  const config = script(code, { routes: { fast: '/' } });
  const quiet = { ...pick('connections/silent')[0], load: true } as DrillCase;
  const result = await run(config, { cases: [quiet], lossBelow: 0.01 });
  // Nothing was at risk: repeating would never end, and a pass would have asserted nothing.
  assert.equal(result.cases[0]?.runs.length, 3);
  assert.equal(result.cases[0].verdict, 'not applicable');
});

test('--only takes areas, slugs and patterns, and names the nearest for a mistake', () => {
  assert(pick('http1').every((one) => one.slug.startsWith('http1/')));
  assert.equal(pick('http1/half-head').length, 1);
  assert(pick('*/upload*').length >= 3);
  assert.throws(() => pick('http1/half-hed'), /Did you mean "http1\/half-head"/);
});

test('nothing is left behind', () => {
  assert.deepEqual(readdirSync(folder), []);
});
