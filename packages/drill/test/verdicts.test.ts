// A verdict is fair: what is not the stop's doing is not held against the server, and nothing passes unasked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DrillCase } from '../src/case.ts';
import { loadCases } from '../src/cases/load.ts';
import type { DrillConfig } from '../src/config/schema.ts';
import { until } from '../src/engine/clock.ts';
import { type DrillOptions, drill, select } from '../src/engine/drill.ts';
import { askFresh } from '../src/engine/fresh.ts';
import { runCase } from '../src/engine/run.ts';
import { reasons } from '../src/verdict/summary.ts';
import { plain, script } from './support/servers.ts';

const all = await loadCases();
const pick = (...slugs: string[]): DrillCase[] => select(all, slugs);

function run(config: DrillConfig, options: Partial<DrillOptions>) {
  return drill({
    config,
    cases: [],
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

test('a server that does not keep up even before the stop is not accused of losing anything', async () => {
  // Every fourth connection is cut at once, whatever is asked on it.
  const code = `let count = 0; ${plain.replace("s.end('hello')", "count++ % 4 === 3 ? s.destroy() : s.end('hello')")}`;
  const config = script(code, { routes: { fast: '/' }, readyWithin: '5s' });
  const { cases } = await run(config, { cases: pick('http1/keepalive-race', 'connections/idle') });
  for (const one of cases) {
    assert.equal(one.verdict, 'not applicable', one.case.slug);
    assert.match(one.shown.actual ?? '', /already before the stop: .*without an answer/);
    assert.equal(one.totals.lost, 0);
  }
});

test('a server that answers an upload before it has it is not said to take it whole', async () => {
  const { cases } = await run(script(plain, { routes: { fast: '/', upload: 'POST /' } }), {
    cases: pick('http1/upload-in-flight', 'http1/upload-chunked'),
  });
  const told = cases.map((one) => [one.verdict, one.shown.actual]);
  const early = ['not applicable', 'the server answers before it has the whole upload'];
  assert.deepEqual(told, [early, early]);
});

test('answers and streams that are never the same are not held to be so', async () => {
  const code = `const id = () => require('crypto').randomUUID();
    const server = require('http').createServer((q, s) => {
      if (q.method === 'POST') return q.resume().on('end', () => s.end(id()));
      if (q.url === '/') return s.end('hello');
      s.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      setTimeout(() => s.end('data: ' + id() + '\\n\\n'), 400);
    });
    server.listen(process.env.PORT, '127.0.0.1');
    process.on('SIGTERM', () => setTimeout(() => process.exit(0), 1000));`;
  const routes = { fast: '/', upload: 'POST /upload', stream: '/stream' };
  const { cases } = await run(script(code, { routes, grace: '2s' }), {
    cases: pick('http1/upload-chunked', 'sse/not-cut-short'),
  });
  const told = cases.map((one) => [one.verdict, one.shown.actual]);
  const never = 'the last event of a stream is never the same';
  assert.deepEqual(told, [
    ['pass', undefined],
    ['not applicable', never],
  ]);
});

test('a drill in which no case applies does not pass', async () => {
  const result = await run(script(plain), { cases: pick('grpc') });
  assert.deepEqual(reasons(result), ['no case applies, so nothing was asked of the server']);
  const config = { ...script(plain, { areas: ['sse'] }) };
  assert.equal(reasons(await run(config, { cases: pick('exit/idle') })).length, 1);
});

test('a case that only measures never fails', async () => {
  const deaf = `${plain} process.on('SIGTERM', () => {});`;
  const config = script(deaf, { routes: { slow: '/' }, grace: '300ms', force: '100ms' });
  const quick = { ...pick('exit/timing')[0], run: pick('exit/idle')[0]?.run } as DrillCase;
  const result = await run(config, { cases: [quick], strict: true });
  assert.equal(result.cases[0]?.verdict, 'informational');
  assert.match(result.cases[0].shown.notes.join(), /the process is still running/);
  assert.deepEqual(reasons(result), []);
});

test('a server that ignores the signal fails, with nothing to do and nothing known of it', async () => {
  const deaf = `${plain} process.on('SIGTERM', () => {});`;
  const exits = all.filter(({ slug }) => slug.startsWith('exit/'));
  const told = async (code: string): Promise<readonly string[]> =>
    reasons(await run(script(code, { grace: '300ms', force: '100ms' }), { cases: exits }));
  assert.deepEqual(await told(deaf), ['exit/ends (MUST) fails']);
  assert.deepEqual(await told(plain), []);
});

test('a server that the signal itself ended is told so, and losses are counted by their reason', async () => {
  const { cases } = await run(script(plain, { routes: { fast: '/' } }), {
    cases: pick('http1/keepalive-race'),
    clients: 16,
  });
  const actual = cases[0]?.shown.actual ?? '';
  assert.match(actual, /^\d+ of \d+ lost: (?:once|\d+ times) the .* \(GET \/\)/);
  assert.match(
    actual,
    /; the process was ended by SIGTERM, for which it seems to have no handler$/,
  );
});

test('a process that outlives the server is found, also one that has lost its environment', async () => {
  const orphan = `${plain} require('child_process').spawn('env', ['-i', process.execPath,
    '-e', 'setInterval(()=>{},1000)'], { stdio: 'ignore' }).unref();`;
  const [idle] = pick('exit/idle');
  assert(idle);
  const result = await runCase(idle, { config: script(orphan), seed: 1, clients: 8 });
  assert.equal(result.verdict, 'fail');
  assert.match(result.expected ?? '', /no process to outlive/);
  assert.match(result.actual ?? '', /^1 left running: \d+ .*setInterval/);
});

test('a connection that was reset before its client looked is lost', async () => {
  const code = `let stopping = false;
    const server = require('http').createServer((q, s) => s.end('hello'));
    server.on('connection', (socket) => stopping && socket.resetAndDestroy());
    server.listen(process.env.PORT, '127.0.0.1');
    process.on('SIGTERM', () => {
      stopping = true;
      console.log('stopping');
      setTimeout(() => process.exit(0), 1000);
    });`;
  const busy: DrillCase = {
    ...pick('connections/connect-burst')[0]!,
    async run(ctx) {
      await ctx.start();
      ctx.target.signal();
      await until(() => ctx.target.output.text.match(/stopping/) ?? undefined, 5000);
      const asked = askFresh(ctx, ctx.route('fast'));
      // Dialled by now, and held up while the server resets the connection.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100));
      await asked;
      ctx.noLoss();
    },
  };
  const { verdict, actual } = await runCase(busy, {
    config: script(code, { routes: { fast: '/' } }),
    seed: 1,
    clients: 1,
  });
  assert.equal(verdict, 'fail');
  assert.match(actual ?? '', /reset before its request was sent/);
});
