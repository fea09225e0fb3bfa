// Leaving on evidence against a fixed sleep, over traffic patterns; no clock, the same numbers each run.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Arrivals } from '../src/servers/support/arrivals.ts';

let seed = 1;
const random = (): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return (seed + 1) / (2 ** 31 + 1);
};
const exponential = (meanMs: number): number => -Math.log(random()) * meanMs;

/** Arrival times of one source from 0 to `endMs`. */
type Pattern = (endMs: number) => number[];
const walk =
  (gap: () => number): Pattern =>
  (endMs) => {
    const times: number[] = [];
    for (let at = gap(); at < endMs; at += gap()) times.push(at);
    return times;
  };
const steady = (meanMs: number): Pattern => walk(() => meanMs * (0.9 + 0.2 * random()));
const atRandom = (meanMs: number): Pattern => walk(() => exponential(meanMs));
const bursty: Pattern = (endMs) =>
  walk(() => 400 + 200 * random())(endMs).flatMap((at) =>
    Array.from({ length: 10 }, (_, i) => at + i * 3),
  );
/** Whatever arrives within a pause is seen at its end, all together. */
const stalled =
  (pattern: Pattern): Pattern =>
  (endMs) => {
    const pauses = Array.from({ length: Math.ceil(endMs / 3_000) }, (_, i) => ({
      from: i * 3_000 + 3_000 * random(),
      ms: 60 + 60 * random(),
    }));
    return pattern(endMs)
      .map((at) => {
        const pause = pauses.find(({ from, ms }) => at >= from && at < from + ms);
        return pause ? pause.from + pause.ms : at;
      })
      .sort((a, b) => a - b);
  };
const FOREVER = Infinity;
/** sources: pattern, and when its proxy learns after the stop began */
const SCENES: Record<string, { pattern: Pattern; movesMs: () => number }[]> = {
  'steady 100/s, moves in 0.2-1 s': [{ pattern: steady(10), movesMs: () => 200 + 800 * random() }],
  'random 50/s, moves in 0.2-1 s': [{ pattern: atRandom(20), movesMs: () => 200 + 800 * random() }],
  'random 200/s, machine pauses 60-120 ms': [
    { pattern: stalled(atRandom(5)), movesMs: () => 200 + 800 * random() },
  ],
  'bursts of 10 every 0.5 s': [{ pattern: bursty, movesMs: () => 200 + 800 * random() }],
  'three proxies, 100/s 10/s 5/s': [10, 100, 200].map((mean) => ({
    pattern: atRandom(mean),
    movesMs: () => 200 + 1_300 * random(),
  })),
  '100/s and a slow source, 1 in 10 s': [
    { pattern: atRandom(10), movesMs: () => 200 + 800 * random() },
    { pattern: steady(10_000), movesMs: () => 500 },
  ],
  '100/s and one client that never leaves': [
    { pattern: atRandom(10), movesMs: () => 500 },
    { pattern: atRandom(100), movesMs: () => FOREVER },
  ],
  'no traffic': [],
};
const MAX_MS = 5_000;
const RUNS = 100;
const HISTORY_MS = 20_000;

interface Judge {
  note(nowMs: number, source?: string): void;
  silenceMs(nowMs: number): number;
}

/** Time spent leaving, and arrivals that came after it. */
function leave(
  judge: Judge | number,
  events: { at: number; source: string }[],
): { tookMs: number; late: number } {
  let at = HISTORY_MS;
  let i = 0;
  if (typeof judge === 'number') at = HISTORY_MS + judge;
  else {
    for (; i < events.length && events[i]!.at <= at; i += 1)
      judge.note(events[i]!.at, events[i]!.source);
    for (;;) {
      const wait = judge.silenceMs(at);
      if (wait <= 0) break;
      const until = Math.min(at + wait, HISTORY_MS + MAX_MS);
      let came = false;
      for (; i < events.length && events[i]!.at <= until; i += 1) {
        judge.note(events[i]!.at, events[i]!.source);
        came = true;
      }
      at = until;
      if (at >= HISTORY_MS + MAX_MS) break;
      if (!came && judge.silenceMs(at) <= 0) break;
    }
  }
  return { tookMs: at - HISTORY_MS, late: events.filter((event) => event.at > at).length };
}

interface Sum {
  meanMs: number;
  lateStops: number;
  late: number;
}

function simulate(sources: (typeof SCENES)[string], make: () => Judge | number): Sum {
  seed = 1;
  const sum = { tookMs: 0, lateStops: 0, late: 0 };
  for (let run = 0; run < RUNS; run += 1) {
    const events = sources
      .flatMap(({ pattern, movesMs }, s) => {
        const until = HISTORY_MS + Math.min(movesMs(), 20_000);
        return pattern(HISTORY_MS + 20_000)
          .filter((at) => at < until)
          .map((at) => ({ at, source: `s${s}` }));
      })
      .sort((a, b) => a.at - b.at);
    const { tookMs, late } = leave(make(), events);
    sum.tookMs += tookMs;
    sum.late += late;
    sum.lateStops += late > 0 ? 1 : 0;
  }
  return { meanMs: Math.round(sum.tookMs / RUNS), lateStops: sum.lateStops, late: sum.late };
}

for (const [name, sources] of Object.entries(SCENES))
  test(`leaving on evidence: ${name}`, (t) => {
    const evidence = simulate(sources, () => new Arrivals());
    const second = simulate(sources, () => 1_000);
    const longest = simulate(sources, () => MAX_MS);
    t.diagnostic(JSON.stringify({ evidence, 'sleep 1 s': second, 'sleep 5 s': longest }));
    assert.ok(evidence.meanMs <= MAX_MS);
    if (name.includes('never leaves')) return;
    assert.ok(evidence.lateStops <= 2, `${evidence.lateStops} of ${RUNS} stops had late arrivals`);
    assert.ok(evidence.meanMs < longest.meanMs / 2, 'at least half of the longest wait is saved');
  });

test('a source with too few arrivals is not waited for, and a stop without traffic does not wait', () => {
  const arrivals = new Arrivals();
  for (let at = 0; at < 70; at += 10) arrivals.note(at, 'a');
  assert.equal(arrivals.silenceMs(70), 0);
  arrivals.note(70, 'a');
  assert.equal(arrivals.silenceMs(70), 200);
});

test('many sources are remembered only up to a limit', () => {
  const arrivals = new Arrivals();
  for (let i = 0; i < 5_000; i += 1) arrivals.note(i, `s${i}`);
  assert.equal(arrivals.silenceMs(5_000), 0);
});
