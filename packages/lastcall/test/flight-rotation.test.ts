import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type FlightRecord, keepFlight, readFlights } from 'lastcall/supervised';

const ROUNDS = 30;
const WRITERS = 2;

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-rotation-'));
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
  phases: [],
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

/** A file of records that is due to be changed for a new one. */
const KEPT = 3_000;
const FULL = Array.from({ length: KEPT }, (_, i) => `${JSON.stringify(record(1_000 + i))}\n`).join(
  '',
);
assert.ok(FULL.length > 2 ** 20);

/** Keeps one record in each round, at the moment at which the others do. */
const WRITER = `
const { workerData: { lib, gate, dir, record } } = require('node:worker_threads');
import(lib).then(({ keepFlight }) => {
  const [round, done] = [0, 1];
  const cells = new Int32Array(gate);
  for (let i = 1; i <= ${ROUNDS}; i += 1) {
    Atomics.add(cells, done, 1);
    Atomics.notify(cells, done);
    while (Atomics.load(cells, round) < i);
    keepFlight(dir, record);
  }
  Atomics.add(cells, done, 1);
  Atomics.notify(cells, done);
});`;

test('workers that stop at once while the file is changed lose no record', async (t) => {
  const dir = folder(t);
  const gate = new SharedArrayBuffer(8);
  const cells = new Int32Array(gate);
  const lib = import.meta.resolve('lastcall/supervised');
  const writers = Array.from(
    { length: WRITERS },
    (_, i) => new Worker(WRITER, { eval: true, workerData: { lib, gate, dir, record: record(i) } }),
  );
  t.after(() => Promise.all(writers.map((writer) => writer.terminate())));
  const ends = writers.map((writer) => once(writer, 'exit'));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (let seen = 0; seen < (round + 1) * WRITERS; seen = Atomics.load(cells, 1))
      await Atomics.waitAsync(cells, 1, seen, 1_000).value;
    if (round > 0) {
      const { records, broken } = readFlights(dir);
      assert.deepEqual([records.length, broken], [KEPT + WRITERS, 0], `round ${round}`);
    }
    for (const name of readdirSync(dir)) rmSync(join(dir, name));
    writeFileSync(join(dir, 'stops.jsonl'), FULL);
    Atomics.add(cells, 0, 1);
  }
  await Promise.all(ends);
});

test('what a process that died in the middle of the change left behind is taken away', (t) => {
  const dir = folder(t);
  const lock = join(dir, 'stops.lock');
  writeFileSync(join(dir, 'stops.jsonl'), FULL);
  writeFileSync(lock, '');
  keepFlight(dir, record(2));
  assert.deepEqual(readdirSync(dir).toSorted(), ['stops.jsonl', 'stops.lock'], 'somebody is at it');
  const longAgo = new Date(Date.now() - 3_600_000);
  utimesSync(lock, longAgo, longAgo);
  keepFlight(dir, record(3));
  keepFlight(dir, record(4));
  assert.deepEqual(readdirSync(dir).toSorted(), ['stops.1.jsonl', 'stops.jsonl']);
  const { records } = readFlights(dir);
  assert.deepEqual(
    records.slice(KEPT).map(({ pid }) => pid),
    [2, 3, 4],
  );
});
