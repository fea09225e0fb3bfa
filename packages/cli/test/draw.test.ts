import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, type View } from '../src/watch/draw.ts';
import { cut, paintFor } from '../src/watch/text.ts';

/** A busy node that drains: 50 workers, names that would be commands to a terminal, lost work. */
const look: View['look'] = {
  pid: 17,
  state: 'draining',
  generation: 2,
  workersWanted: 50,
  workers: Array.from({ length: 50 }, (_, i) => ({
    name: `w${i}`,
    pid: 1_000 + i,
    generation: 1 + (i % 2),
    phase: 'retiring',
    reason: 'reload',
    age_seconds: 3,
    in_flight: 4,
    in_flight_by_kind: { request: 4 },
    rss_bytes: 1e8,
  })),
  inFlight: 200,
  inFlightByKind: { request: 196, stream: 4 },
  moves: { moved: 40, on_their_way: 3, stayed: { pipelined: 2, full: 1 } },
  work: Array.from({ length: 100 }, (_, i) => ({
    kind: i % 5 === 0 ? 'stream' : 'request',
    label: `/route\u001B[31m\n${i}`,
    worker: 'w1',
    ageMs: 5_000 - i,
    p50Ms: 1_000,
    p90Ms: i % 2 === 0 ? 30_000 : 2_000,
  })),
  estimate: { p50Ms: 4_000, p90Ms: 9_000, p99Ms: 14_000 },
  stopSeconds: 4,
  deadlineInMs: 20_000,
  outcomes: { completed: 5, lost: 17 },
  refused: 1,
  lateArrivals: 2,
  doing: null,
  stops: [],
};
const view: View = {
  look,
  points: Array.from({ length: 120 }, (_, i) => ({ atMs: i * 500, inFlight: 400 - i })),
  expected: { p50Ms: 5_000, p90Ms: 9_000 },
  gone: undefined,
  nowMs: 60_000,
};
const plain = paintFor({ NO_COLOR: '1' });

for (const [columns, rows] of [
  [100, 40],
  [40, 12],
  [200, 60],
] as const)
  test(`a busy node fits a terminal of ${columns} by ${rows}`, () => {
    const lines = draw(view, { columns, rows }, plain);
    assert.ok(lines.length <= rows, `${lines.length} lines`);
    // oxlint-disable-next-line typescript/no-misused-spread
    for (const line of lines) assert.ok([...line].length <= columns, line);
    assert.equal(lines.at(-1), 'q quits');
    assert.match(lines.join('\n'), /╻ {2}╺━┓ {2}in flight 200/, 'lost, large');
  });

test('a narrow terminal shows all figures of a drain, and workers that take no more work', () => {
  const workers = look.workers.slice(0, 2);
  for (const one of workers) one.phase = 'serving';
  const lines = draw({ ...view, look: { ...look, workers } }, { columns: 40, rows: 60 }, plain);
  const text = lines.join('\n');
  for (const figure of [
    /in flight 200/,
    /the last ends in about 4.0 s/,
    /90 % within 9.0 s/,
    /work is cut off in 20 s/,
    /refused 1 · late arrivals 2/,
    /^│ w0 {4}draining/m,
    /\d s old · too late/,
  ])
    assert.match(text, figure);
  assert.doesNotMatch(text, /serving/);
  for (const one of workers) one.phase = 'retiring';
});

test('many workers are told by their lanes, work by kind with the oldest first, what is late is marked', () => {
  const text = draw(view, { columns: 120, rows: 60 }, plain).join('\n');
  assert.match(text, /^generation 2 {2}retiring 25 · 100 in flight\ngeneration 1 {2}retiring 25/m);
  assert.match(text, /^request 196, the oldest first\n {2}\/route\?\[31m\?1 .*within 2.0 s$/m);
  assert.match(
    text,
    /^stream 4, the oldest first\n {2}\/route\?\[31m\?0 .* too late, still .* 30 s$/m,
  );
  assert.match(text, /^lost\s+moved 40, on their way 3, stayed 3 \(pipelined 2, full 1\)$/m);
  assert.match(text, /├━+─*5─*9─*┤ 4.0 s of 24 s/);
  assert.ok(!text.includes('\u001B'), 'no name reaches the terminal as a command');
});

test('a line is cut to its columns; marks take none', () => {
  const { bad } = paintFor({});
  assert.equal(cut(`${bad('abcdef')} gh`, 4), bad('abcd'));
  assert.equal(cut('åß∂ƒ', 3), 'åß∂');
});
