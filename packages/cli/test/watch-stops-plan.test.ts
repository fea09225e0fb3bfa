import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI, NODE, NodeUnderTest } from '../../supervisor/test/support/node.ts';
import { ended, lastcall } from './support/run.ts';
import { hasTerminal, Terminal } from './support/terminal.ts';

test('stops tells why and how the workers of a node have stopped, the last one last', async () => {
  await using node = await NodeUnderTest.start();
  await node.ask('drain');
  assert.equal((await node.status()).state, 'draining');
  await node.ask('resume');
  node.signal('SIGTERM');
  await node.exited;
  const dir = join(node.dir, '.lastcall');
  appendFileSync(join(dir, 'stops.jsonl'), '{"version":1,"cut sh');
  const stops = await lastcall('stops', '--dir', dir);
  assert.match(stops.out, /service w1 \(pid \d+\): lastcall drain, undone after/);
  assert.match(stops.out, /service w2 \(pid \d+\): SIGTERM, exit 0 after/);
  assert.match(stops.err, /1 broken lines left out/);
  const json = await lastcall('stops', '--dir', dir, '--json', '-n', '1');
  assert.equal((JSON.parse(json.out) as { result: string }).result, 'stopped');
});

test('stops shows nothing that a terminal would act on, and says what it cannot read', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-stops-'));
  t.after(() => rmSync(dir, { recursive: true }));
  await using node = await NodeUnderTest.start();
  node.signal('SIGTERM');
  await node.exited;
  const path = join(node.dir, '.lastcall/stops.jsonl');
  const [line = ''] = readFileSync(path, 'utf8').split('\n');
  const record = JSON.parse(line) as object;
  const bad = { ...record, name: '\u001B[2Jname', failure: 'first\nsecond\u009B31m' };
  writeFileSync(join(dir, 'stops.jsonl'), `${JSON.stringify(bad)}\n{"version":1,"phases":[]}\n`);
  const stops = await lastcall('stops', '--dir', dir);
  assert.match(stops.out, /\?\[2Jname w\d .*exit 0/);
  assert.match(stops.out, /failed {5}first\?second\?31m/);
  assert.match(stops.err, /1 broken lines left out/);
  rmSync(join(dir, 'stops.jsonl'));
  mkdirSync(join(dir, 'stops.jsonl'));
  const unreadable = await lastcall('stops', '--dir', dir);
  assert.equal(unreadable.code, 2);
  assert.match(
    unreadable.err,
    /^lastcall: --dir: the stops in .* cannot be read: .* is no file\.$/m,
  );
});

test('stops says that the front of a huge file was left out, where what was asked for could be in it', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-stops-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const record = {
    version: 1,
    name: 'service',
    pid: 7,
    reason: 'SIGTERM',
    result: 'stopped',
    startedAt: new Date(0).toISOString(),
    durationMs: 5,
    phases: [],
    inFlightAtStart: 0,
    inFlightByKind: {},
    outcomes: { lost: 0 },
    refused: 0,
    lateArrivals: 0,
    estimate: { factMs: null },
    exitCode: 0,
    failure: null,
  };
  const line = `${JSON.stringify(record)}\n`;
  writeFileSync(join(dir, 'stops.1.jsonl'), line);
  writeFileSync(join(dir, 'stops.jsonl'), `${'x'.repeat(5 * 2 ** 20)}\n${line}${line}`);
  const left = `lastcall: the front of ${join(dir, 'stops.jsonl')}, 1.0 MiB, was left out: of each file the last 4 MiB are read\n`;
  const far = await lastcall('stops', '--dir', dir, '--json', '-n', '3');
  assert.deepEqual(far, { code: 0, out: line + line + line, err: left });
  const near = await lastcall('stops', '--dir', dir, '--json', '-n', '2');
  assert.deepEqual(near, { code: 0, out: line + line, err: '' });
  const text = await lastcall('stops', '--dir', dir);
  assert.deepEqual([text.code, text.err], [0, left]);
});

test('watch says when nobody answers', async () => {
  const { code, err } = await lastcall('watch', '--control', '/nowhere/control.sock');
  assert.notEqual(code, 0);
  assert.match(err, /No supervisor answers on \/nowhere/);
});

test('plan reads a file and prints the plan, as text and as JSON', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-plan-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'durations.csv');
  writeFileSync(path, `duration_ms\n${'200\n'.repeat(500)}`);
  const text = await lastcall('plan', '--csv', path, '--rate', '30', '--leave', '1s');
  assert.equal(text.code, 0, text.err);
  assert.match(text.out, /terminationGracePeriodSeconds: 7\n/);
  const json = await lastcall('plan', '--csv', path, '--rate', '30', '--leave', '1s', '--json');
  assert.equal((JSON.parse(json.out) as { graceMs: number }).graceMs, 2_000);
  const svg = join(dir, 'plan.svg');
  assert.equal((await lastcall('plan', '--csv', path, '--rate', '30', '--svg', svg)).code, 0);
});

test('plan tells on a terminal how far it has read, and clears that line in the end', async (t) => {
  if (!hasTerminal()) return t.skip('there is no tmux');
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-plan-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const plan = `'${NODE}' '${CLI}' plan --csv '${pipe}' --rate 30 --leave 1s`;
  await using terminal = new Terminal(plan);
  const input = await open(pipe, 'w');
  await input.write(`duration_ms\n${'200\n'.repeat(500_000)}broken\n`);
  await terminal.shows(/^read \d MB, \d+ MB\/s: \d+ durations, \d lines skipped$/m);
  await input.close();
  const screen = await terminal.shows(/500000 durations, 1 lines skipped/, /^ended 0$/m);
  assert.doesNotMatch(screen, /^read \d/m);
});

test('plan reads the standard input', async () => {
  const plan = spawn(NODE, [CLI, 'plan', '--csv', '-', '--rate', '30', '--leave', '1s', '--json'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  plan.stdin.end(`duration_ms\n${'200\n'.repeat(500)}`);
  const { code, out, err } = await ended(plan);
  assert.deepEqual([code, err], [0, ''], 'no progress where there is no terminal');
  assert.equal((JSON.parse(out) as { graceMs: number }).graceMs, 2_000);
});

test('plan refuses what it cannot plan with, with exit code 2', async () => {
  const none = await lastcall('plan');
  assert.deepEqual([none.code, /expected one of --csv/.test(none.err)], [2, true]);
  const missing = await lastcall('plan', '--csv', '/nowhere.csv');
  assert.deepEqual([missing.code, /ENOENT/.test(missing.err)], [2, true]);
  const share = await lastcall('plan', '--csv', '/nowhere.csv', '--share', 'most');
  assert.equal(share.code, 2);
});
