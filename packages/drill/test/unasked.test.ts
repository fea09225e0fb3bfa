// Nothing passes unasked: what was not tried, and what was lost beyond what is looked at, is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DrillCase, defineCase } from '../src/case.ts';
import { loadCases } from '../src/cases/load.ts';
import { Exchange } from '../src/engine/account.ts';
import { sleep, within } from '../src/engine/clock.ts';
import { drill, select } from '../src/engine/drill.ts';
import { startLoad } from '../src/engine/load.ts';
import { runCase } from '../src/engine/run.ts';
import { Timeline } from '../src/engine/timeline.ts';
import { jsonReport } from '../src/report/json.ts';
import { caseLine } from '../src/report/terminal.ts';
import { reasons, summarize } from '../src/verdict/summary.ts';
import { plain, script } from './support/servers.ts';

const options = { seed: 1, clients: 8 };
const fast = { routes: { fast: '/' }, readyWithin: '10s' };

const made = (run: DrillCase['run'], more: Partial<DrillCase> = {}): DrillCase =>
  defineCase({
    slug: 'exit/made',
    level: 'MUST',
    sentence: 'x',
    source: 'x',
    needs: [],
    ...more,
    run,
  });

/** Serves until the signal, and from then on as `stopping` says for a while. */
const serves = (stopping: string): string => `let stopping = false;
  require('http').createServer((q, s) => { if (stopping) { ${stopping} } else s.end('hello'); })
    .listen(process.env.PORT, '127.0.0.1');
  process.on('SIGTERM', () => { stopping = true; setTimeout(() => process.exit(0), 1500); });`;

test('a server that had ended by itself before the signal has not obeyed it', async () => {
  const once = plain.replace(
    "s.end('hello')",
    "s.end('hello', () => setTimeout(() => process.exit(0), 200))",
  );
  const config = script(once, fast);
  const late = made(async (ctx) => {
    const target = await ctx.start();
    await target.ended(5000);
    target.signal();
    await ctx.exit();
  });
  const { verdict, actual } = await runCase(late, { config, ...options });
  assert.equal(verdict, 'not applicable');
  assert.match(actual ?? '', /already before the stop: .*ended by itself \(code 0\)/);
});

test('a loss rate that was to be shown and was not fails the drill', async () => {
  let runs = 0;
  const rare = made(
    async (ctx) => {
      runs += 1;
      await ctx.start();
      const connection = await ctx.connect();
      ctx.target.signal();
      if (runs === 1) await ctx.answered(connection.send({ path: '/' }));
      ctx.noLoss();
    },
    { load: true },
  );
  const result = await drill({
    config: script(serves("s.end('bye')"), fast),
    cases: [rare],
    ...options,
    repeat: 1,
    confidence: 0.95,
    lossBelow: 0.01,
    concurrency: 1,
    strict: false,
    knownFailing: new Set(),
  });
  assert.equal(result.cases[0]?.runs.length, 4);
  assert.match(reasons(result).join(), /exit\/made \(MUST\): a loss below 0\.01 .*1 of 299 /);
});

test('runs that did not apply are counted beside those that failed', () => {
  const [one] = [made(() => Promise.resolve())];
  assert(one);
  const run = {
    notes: [],
    totals: { owed: 0, answered: 0, refused: 0, lost: 0 },
    durationMs: 1,
    timeline: undefined,
  };
  const result = summarize(
    one,
    [
      { ...run, verdict: 'pass' },
      { ...run, verdict: 'not applicable', actual: 'x' },
      { ...run, verdict: 'not applicable', actual: 'x' },
    ],
    0.95,
  );
  assert.match(caseLine(result, { color: false }), /0 of 3 runs failed, 2 did not apply/);
  const drilled = {
    cases: [result],
    seed: 1,
    confidence: 0.95,
    strict: false,
    knownFailing: new Set<string>(),
    startedAt: new Date(),
    durationMs: 1,
    command: 'x',
  };
  assert.match(jsonReport(drilled), /"not_applicable_runs": 2/);
});

test('the end of a long answer is kept, and a character cut in two is one', () => {
  const timeline = new Timeline();
  const exchange = new Exchange('GET', '/', timeline.lane('x'), timeline);
  exchange.body(Buffer.from('data: first\n\n'));
  for (let count = 0; count < 40; count += 1) exchange.body(Buffer.alloc(10_000, 'x'));
  exchange.body(Buffer.from('\n\ndata: last\n\n'));
  assert.match(exchange.text, /^data: first\n\n/);
  assert.match(exchange.text, /\n\ndata: last\n\n$/);
  const word = new Exchange('GET', '/', timeline.lane('x'), timeline);
  for (const byte of Buffer.from('größer')) word.body(Buffer.from([byte]));
  assert.equal(word.text, 'größer');
});

test('a stream of some hundred KiB that is cut short at the stop is seen', async () => {
  const [short] = select(await loadCases(), ['sse/not-cut-short']);
  assert(short);
  const code = `let stopping = false;
    require('http').createServer((q, s) => {
      if (q.url === '/') return s.end('hello');
      s.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let i = 0; i < 40; i += 1) s.write('data: ' + 'x'.repeat(10000) + '\\n\\n');
      setTimeout(() => s.end(stopping ? 'event: cut\\n\\n' : 'event: done\\n\\n'), 1500);
    }).listen(process.env.PORT, '127.0.0.1');
    process.on('SIGTERM', () => { stopping = true; setTimeout(() => process.exit(0), 3000); });`;
  const routes = { fast: '/', stream: '/stream' };
  const { verdict, actual } = await runCase(short, {
    config: script(code, { routes, readyWithin: '10s' }),
    ...options,
  });
  assert.deepEqual([verdict, actual], ['fail', 'event: cut']);
});

const race = made(
  async (ctx) => {
    await ctx.start();
    const load = await startLoad(ctx, { clients: 4 });
    await sleep(100);
    ctx.target.signal();
    await within(load.done, 5000);
    load.stop();
    ctx.noLoss();
    await ctx.exit();
  },
  { load: true },
);

test('errors that a server answers only once it stops are no answers', async () => {
  const failing = serves("s.writeHead(500, { connection: 'close' }).end('the pool is closed')");
  const { verdict, actual } = await runCase(race, { config: script(failing, fast), ...options });
  assert.equal(verdict, 'fail');
  assert.match(actual ?? '', /answered with an error: 4 times status 500 \(GET \/\)/);
});

test('errors that a server answers without a stop as well are not held against its stop', async () => {
  const code = `let count = 0; ${serves("s.writeHead(500, { connection: 'close' }).end()").replace(
    "else s.end('hello')",
    "else { if (count++ % 20 === 19) s.statusCode = 500; s.end('hello') }",
  )}`;
  const { verdict, actual } = await runCase(race, { config: script(code, fast), ...options });
  assert.equal(verdict, 'pass', actual);
});

test('a connection that is ended at once, unserved, counts as one that was not accepted', async (t) => {
  let refused: readonly string[] = [];
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const fresh = made(async (ctx) => {
    await ctx.start();
    const load = await startLoad(ctx, { clients: 2, fresh: true, thinkMs: 4 });
    await sleep(100);
    ctx.target.signal();
    // Held up again and again, for so short that it is none, so that each end is seen before the client sends.
    const busy = setInterval(() => Atomics.wait(pause, 0, 0, 20), 1);
    t.after(() => {
      clearInterval(busy);
    });
    await within(load.done, 5000);
    load.stop();
    clearInterval(busy);
    refused = load.refusedConnects;
  });
  const code = `let stopping = false;
    require('http').createServer((q, s) => s.end('hello'))
      .on('connection', (socket) => stopping && socket.end())
      .listen(process.env.PORT, '127.0.0.1');
    process.on('SIGTERM', () => { stopping = true; setTimeout(() => process.exit(0), 4000); });`;
  await runCase(fresh, { config: script(code, fast), ...options });
  assert.deepEqual(refused, Array(2).fill('ended before a request was sent'));
});
