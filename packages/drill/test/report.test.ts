// The reports say what happened, and nothing a server says can become markup or move a terminal.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCases } from '../src/cases/load.ts';
import { drill, select } from '../src/engine/drill.ts';
import { runCase } from '../src/engine/run.ts';
import { Timeline } from '../src/engine/timeline.ts';
import { htmlReport } from '../src/report/html.ts';
import { jsonReport } from '../src/report/json.ts';
import { junitReport } from '../src/report/junit.ts';
import { timelineSvg } from '../src/report/svg.ts';
import { caseLine, closing } from '../src/report/terminal.ts';
import { loadKnownFailing } from '../src/verdict/known.ts';
import { script } from './support/servers.ts';

const nasty = `require('http').createServer((q, s) => s.end('hello')).listen(process.env.PORT, '127.0.0.1');
console.log('<script>alert(1)</script> & "quoted" \\u001b[31mred \\u0000 ]]>');`;

const all = await loadCases();
const result = await drill({
  config: script(nasty, { routes: { fast: '/' } }),
  cases: select(all, ['http1/keepalive-race', 'exit/idle', 'http1/trailers']),
  seed: 5,
  repeat: 1,
  confidence: 0.95,
  concurrency: 1,
  clients: 16,
  strict: false,
  knownFailing: new Set<string>(),
});

const [idle] = select(all, ['exit/idle']);
assert(idle);
const deaf = await runCase(idle, {
  config: script(`${nasty} process.on('SIGTERM', () => {});`, { grace: '200ms', force: '100ms' }),
  seed: 1,
  clients: 2,
});

test('the page is self-contained, forbids everything else, and escapes what the server said', () => {
  const html = htmlReport(result);
  assert.match(html, /Content-Security-Policy" content="default-src 'none'; style-src 'sha256-/);
  const style = /<style>([^]*?)<\/style>/.exec(html)?.[1] ?? '';
  assert(
    html.includes(createHash('sha256').update(style).digest('base64')),
    'the policy allows the style',
  );
  assert.doesNotMatch(html, /<script|https?:\/\/|url\(|@import|<img|<link| style="| on[a-z]+="/);
  assert.match(html, /&lt;script&gt;/);
  assert.match(html, /<svg [^]*class="lost"/);
  assert.match(html, /prefers-color-scheme:dark/);
});

test('the timeline has the signal and the exit as lines', () => {
  const html = htmlReport(result);
  assert.match(html, /class="mark signal"/);
  assert.match(html, /class="mark exit"/);
});

/** A run in which a connection was open for long before the signal, and was cut just after it. */
function cut(): Timeline {
  const timeline = new Timeline();
  timeline.marks.push({ kind: 'signal', atMs: 9000, text: 'SIGTERM' });
  timeline.marks.push({ kind: 'exit', atMs: 9100, text: 'exit 0' });
  const lane = { label: 'connection 1', openMs: 1000, closeMs: 9060, close: 'reset' as const };
  const early = {
    label: 'GET /',
    fromMs: 1000,
    toMs: 1900,
    outcome: 'answered' as const,
    detail: '',
  };
  const last = { ...early, fromMs: 9000, toMs: 9060, outcome: 'lost' as const };
  timeline.lanes.push({ ...lane, spans: [early, last] });
  return timeline;
}

test('most of the picture is what came after the signal, and no word leaves it', () => {
  const svg = timelineSvg(cut(), 'x');
  assert.doesNotMatch(svg, /class="answered"/, 'what was long before the signal is left out');
  const [, x, width] =
    /<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="\d+" class="lost"/.exec(svg) ?? [];
  assert(Number(x) > 170 && Number(x) < 500, `the signal at ${x}`);
  assert(Number(width) > 200, `the loss is ${width} wide`);
  assert.match(svg, /<text x="8[\d.]+" y="\d+" class="mark-text before">exit 0</);
});

test('an end that the drill itself brought about is called so', () => {
  const timeline = result.cases.find((one) => one.case.slug === 'http1/keepalive-race')?.shown
    .timeline;
  const exit = timeline?.marks.find((mark) => mark.kind === 'exit');
  assert.equal(exit?.text, 'ended by SIGTERM');
  assert.equal(
    deaf.timeline?.marks.find((mark) => mark.kind === 'exit')?.text,
    'killed by the drill',
  );
});

test('what fails is led to from the top; what does not apply is a line, not a picture', () => {
  const html = htmlReport(result);
  assert.match(html, /<a class="v-fail" href="#http1\/keepalive-race">/);
  assert.match(html, /<details id="http1\/keepalive-race" open>/);
  assert.match(
    html,
    /1 not applicable<[^]*http1\/trailers<\/code> <span class="soft">routes\.trailers is not given/,
  );
});

test('JUnit is well-formed XML that counts the failure and the case that did not apply', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'drill-junit-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'junit.xml');
  writeFileSync(file, junitReport(result));
  const code =
    'import sys, xml.etree.ElementTree as e; r = e.parse(sys.argv[1]).getroot();' +
    'print(r.get("tests"), r.get("failures"), len(r.findall(".//failure")), len(r.findall(".//skipped")))';
  const counts = execFileSync('python3', ['-c', code, file], { encoding: 'utf8' }).trim();
  assert.equal(counts, '3 1 1 1');
});

test('JSON holds verdicts, promises, interval and timeline', () => {
  const json = JSON.parse(jsonReport(result)) as {
    passed: boolean;
    seed: number;
    cases: {
      slug: string;
      verdict: string;
      promises: { lost: number };
      loss_interval: [number, number];
      timeline: { lanes: unknown[] };
    }[];
  };
  const race = json.cases.find((one) => one.slug === 'http1/keepalive-race');
  assert.deepEqual([json.passed, json.seed, race?.verdict], [false, 5, 'fail']);
  assert(race !== undefined && race.promises.lost > 0 && race.loss_interval[0] > 0);
  assert(race.timeline.lanes.length >= 16);
});

test('the terminal gets expected and actual, and no control characters of the server', () => {
  const text = result.cases.map((one) => caseLine(one, { color: false })).join('\n');
  assert.match(text, /FAIL {2}MUST {4}http1\/keepalive-race/);
  assert.match(text, /expected every request[^]*got +\d+ of \d+ lost/);
  assert.match(text, /n\/a {3}MUST {4}http1\/trailers\n +routes\.trailers is not given/);
  assert(!text.includes('\u001b'));
  assert.match(closing(result, { color: false }), /FAIL: 1 passed, 1 failed .*1 not applicable/);
});

test('the list of known failures is checked', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'drill-known-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'known');
  writeFileSync(file, '# gaps\nhttp1/half-close # by design\n\n');
  const slugs = all.map((one) => one.slug);
  assert.deepEqual([...loadKnownFailing(file, slugs)], ['http1/half-close']);
  writeFileSync(file, 'http1/half-clos\n');
  assert.throws(() => loadKnownFailing(file, slugs), /known:1: .*Did you mean "http1\/half-close"/);
});
