import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type FlightRecord, keepFlight, readFlights } from 'lastcall/supervised';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-flights-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

const record = (pid: number): FlightRecord => ({
  version: 1,
  name: 'service',
  pid,
  reason: 'SIGTERM',
  result: 'stopped',
  startedAt: new Date(pid).toISOString(),
  durationMs: 5,
  graceMs: 25_000,
  phases: [{ state: 'draining', atMs: 0, durationMs: 5 }],
  inFlightAtStart: 0,
  inFlightByKind: {},
  outcomes: {
    completed: 0,
    failed: 0,
    cancelled: 0,
    handed_over: 0,
    moved: 0,
    expired: 0,
    lost: 0,
  },
  refused: 0,
  lateArrivals: 0,
  estimate: { p50Ms: 0, p90Ms: 0, p99Ms: 0, factMs: 0 },
  exitCode: 0,
  failure: null,
});
const pids = (dir: string): number[] => readFlights(dir).records.map(({ pid }) => pid);

test('a record that was cut short takes no other with it', (t) => {
  const dir = folder(t);
  const path = join(dir, 'stops.jsonl');
  keepFlight(dir, record(1));
  keepFlight(dir, record(2));
  truncateSync(path, JSON.stringify(record(1)).length + 40);
  keepFlight(dir, record(3));
  assert.deepEqual(pids(dir), [1, 3]);
  assert.equal(readFlights(dir).broken, 1);
});

test('a stop that the worker and its supervisor keep in one folder is one stop', (t) => {
  const dir = folder(t);
  keepFlight(dir, record(1));
  keepFlight(dir, record(2));
  for (const pid of [1, 2]) keepFlight(dir, { ...record(pid), worker: `w${pid}`, generation: 1 });
  keepFlight(dir, { ...record(2), result: 'undone' });
  keepFlight(dir, record(3));
  const { records, broken } = readFlights(dir);
  assert.deepEqual(
    records.map(({ pid, result, ...rest }) => [pid, result, 'worker' in rest]),
    [
      [1, 'stopped', true],
      [2, 'stopped', true],
      [2, 'undone', false],
      [3, 'stopped', false],
    ],
  );
  assert.equal(broken, 0);
});

test('what is no record is counted, whatever it is', (t) => {
  const dir = folder(t);
  const path = join(dir, 'stops.jsonl');
  keepFlight(dir, record(1));
  const { outcomes: _, ...without } = record(2);
  const wrong = [
    '{"version":1,"phases":[]}',
    'null',
    '[]',
    '\0\uFFFF',
    JSON.stringify({ ...record(2), version: 2 }),
    JSON.stringify({ ...record(2), phases: [null] }),
    JSON.stringify({ ...record(2), outcomes: { lost: 'some' } }),
    JSON.stringify({ ...record(2), startedAt: 'at noon' }),
    JSON.stringify(without),
  ];
  appendFileSync(path, `${wrong.join('\n')}\n`);
  keepFlight(dir, record(3));
  assert.deepEqual(pids(dir), [1, 3]);
  assert.equal(readFlights(dir).broken, wrong.length);
});

test('records go on over the change of files, and no more than the end of a huge file is read', (t) => {
  const dir = folder(t);
  const path = join(dir, 'stops.jsonl');
  assert.deepEqual(readFlights(dir), { records: [], broken: 0, leftOut: undefined });
  let last = 0;
  for (; last < 2_600; last += 1) keepFlight(dir, record(last));
  const kept = pids(dir);
  assert.ok(kept.length > 2_000);
  assert.deepEqual(
    kept,
    kept.map((_, i) => last - kept.length + i),
    'in order, without a gap, up to the last',
  );
  assert.equal(readFlights(dir).leftOut, undefined);
  writeFileSync(path, '');
  // A file with a hole of 600 MB, longer than a string can be.
  truncateSync(path, 600 * 2 ** 20);
  appendFileSync(path, `\n${JSON.stringify(record(7))}\n`);
  assert.equal(pids(dir).at(-1), 7);
  const { leftOut } = readFlights(dir);
  assert.deepEqual([leftOut?.path, leftOut?.newerRecords], [path, 1]);
  assert.ok(leftOut!.bytes > 595 * 2 ** 20 && leftOut!.bytes < 597 * 2 ** 20);
  rmSync(path);
  execFileSync('mkfifo', [path]);
  assert.throws(() => readFlights(dir), /stops\.jsonl is no file/);
});
