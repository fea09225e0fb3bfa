// The reports say what happened: what was never answered is red, what the drill ended is nobody's loss.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DrillCase, defineCase } from '../src/case.ts';
import { until } from '../src/engine/clock.ts';
import { drill } from '../src/engine/drill.ts';
import { runCase } from '../src/engine/run.ts';
import { Timeline } from '../src/engine/timeline.ts';
import { htmlReport } from '../src/report/html.ts';
import { junitReport } from '../src/report/junit.ts';
import { timelineSvg } from '../src/report/svg.ts';
import { lossText } from '../src/report/terminal.ts';
import type { Interval } from '../src/verdict/interval.ts';
import { type CaseResult, type DrillResult, summarize } from '../src/verdict/summary.ts';
import { script } from './support/servers.ts';

/** Answers nothing once it has been told to stop, and goes on for a while. */
const mute = script(
  `let stopping = false;
  require('http').createServer((q, s) => stopping || s.end('hello')).listen(process.env.PORT, '127.0.0.1');
  process.on('SIGTERM', () => { stopping = true; console.log('stopping'); });`,
  { routes: { fast: '/' }, readyWithin: '10s' },
);

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

async function unanswered(more: Partial<DrillCase>, judge: DrillCase['run']) {
  const one = made(async (ctx) => {
    await ctx.start();
    const connection = await ctx.connect();
    ctx.target.signal();
    await until(() => ctx.target.output.text.match(/stopping/) ?? undefined, 5000);
    connection.send({ path: '/hang' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await judge(ctx);
  }, more);
  const run = await runCase(one, { config: mute, seed: 1, clients: 2 });
  await new Promise((resolve) => setTimeout(resolve, 50)); // the drill's own closes are seen by now
  return { one, run };
}

test('a request that was never answered is lost in the picture as in the verdict', async () => {
  const { run } = await unanswered({ load: true }, (ctx) => Promise.resolve(ctx.noLoss()));
  assert.equal(run.verdict, 'fail');
  assert.equal(run.totals.lost, 1);
  const outcomes = run.timeline?.lanes.flatMap((lane) => lane.spans.map((span) => span.outcome));
  assert.deepEqual(outcomes, ['lost']);
});

test('a request that nobody waited for is no loss', async () => {
  const { run } = await unanswered({}, () => Promise.resolve());
  assert.deepEqual(
    [run.verdict, run.totals],
    ['pass', { owed: 0, answered: 0, refused: 0, lost: 0 }],
  );
});

const totals = { owed: 0, answered: 0, refused: 0, lost: 0 };
const plainRun = { notes: [], totals, durationMs: 1, timeline: undefined };

function drilled(cases: CaseResult[], more: Partial<DrillResult> = {}): DrillResult {
  return {
    cases,
    seed: 1,
    confidence: 0.95,
    strict: false,
    knownFailing: new Set<string>(),
    startedAt: new Date(0),
    durationMs: 1,
    command: 'x',
    ...more,
  };
}

const idle = made(() => Promise.resolve());
const passed = summarize(idle, [{ ...plainRun, verdict: 'pass' }], 0.95);

test('JUnit fails when no case applies, as the drill does', () => {
  const none = summarize(idle, [{ ...plainRun, verdict: 'not applicable', actual: 'y' }], 0.95);
  for (const result of [drilled([none]), drilled([])]) {
    const xml = junitReport(result);
    assert.match(xml, /<testsuites [^>]*failures="1"/);
    assert.match(xml, /<failure message="no case applies/);
  }
});

test('JUnit says why a case that is known to fail fails the drill when it passes', () => {
  const xml = junitReport(drilled([passed], { knownFailing: new Set(['exit/made']) }));
  assert.match(xml, /<failure message="exit\/made is listed as known to fail, but passes/);
});

test('the page says how many runs failed', () => {
  const runs = [
    { ...plainRun, verdict: 'pass' as const },
    { ...plainRun, verdict: 'fail' as const },
  ];
  const html = htmlReport(drilled([summarize(idle, runs, 0.95)]));
  assert.match(html, /1 of 2 runs failed/);
});

test('a lane with hundreds of thousands of requests is drawn', () => {
  const timeline = new Timeline();
  timeline.mark('signal', 'SIGTERM');
  const lane = timeline.lane('busy');
  for (let count = 0; count < 200_000; count += 1) {
    lane.spans.push({ label: 'GET /', fromMs: 1, toMs: 2, outcome: 'answered', detail: '' });
  }
  assert.match(timelineSvg(timeline, 'x'), /^<svg/);
});

test('a bound is rounded so that it still holds', () => {
  const text = (lost: number, interval: Interval): string =>
    lossText({ ...passed, totals: { ...totals, owed: 1000, lost }, interval });
  assert.match(text(0, { low: 0, high: 0.002_34 }), /below 0\.24 %/);
  assert.match(text(3, { low: 0.001_29, high: 0.351 }), /between 0\.12 % and 36 %/);
  assert.match(text(1, { low: 0.000_099, high: 0.000_101 }), /between 1 in 10102 and 1 in 9900/);
  assert.match(text(5, { low: 0.35, high: 1 }), /between 35 % and 100 %/);
});

test('the run that is shown has its picture, also when the first one did not apply', async () => {
  let runs = 0;
  const second = made(async (ctx) => {
    runs += 1;
    await ctx.start();
    if (runs === 1) ctx.notApplicable('x');
    ctx.target.signal('SIGKILL');
    await ctx.exit();
  });
  const { cases } = await drill({
    config: mute,
    cases: [second],
    seed: 1,
    repeat: 2,
    confidence: 0.95,
    concurrency: 1,
    clients: 2,
    strict: false,
    knownFailing: new Set(),
  });
  assert.equal(cases[0]?.verdict, 'pass');
  assert(cases[0].shown.timeline !== undefined);
});

test('a case that only measures does not fail by not getting its figures', async () => {
  const measure = made(() => Promise.reject(new Error('no figures')), { informational: true });
  const { verdict, notes } = await runCase(measure, { config: mute, seed: 1, clients: 2 });
  assert.deepEqual(
    [verdict, notes],
    ['informational', ['expected the case to run to its end; got no figures']],
  );
});
