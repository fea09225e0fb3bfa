import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Distribution, makePlan, PlannerError, type Rollout, simulate } from '@lastcall/planner';
import { exponential, near } from './support.ts';

const ROLLOUT: Rollout = {
  nodes: 200,
  ratePerSecond: 2_000,
  surge: 20,
  unavailable: 0,
  startMs: 2_000,
  preStopMs: 0,
  leaveMs: 1_000,
  graceMs: 5_000,
  exitMs: 50,
};

test('residual life: exponential work forgets its age, fixed work does not', () => {
  const forgetful = exponential(1_000);
  assert.ok(near(forgetful.residualSurvival(1_000), Math.exp(-1), 0.03));
  assert.ok(near(forgetful.residualQuantileMs(0.99), 1_000 * Math.log(100), 0.03));
  const fixed = new Distribution();
  fixed.add(1_000, 10);
  assert.ok(near(fixed.residualSurvival(250), 0.75, 0.03));
  assert.equal(fixed.residualSurvival(1_100), 0);
});

test('the same seed gives the same rollout, another seed another', () => {
  const durations = exponential(500);
  const [a, b, c] = [1, 1, 0].map((seed) => simulate(durations, ROLLOUT, seed));
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
});

test('the simulation agrees with the arithmetic', () => {
  const durations = exponential(2_000);
  const run = simulate(durations, { ...ROLLOUT, graceMs: 3_000 });
  // 2 s of the grace are left after leaving: exp(-1) of what was caught is cut off.
  assert.ok(near(run.cut / run.caught, Math.exp(-1), 0.05), `${run.cut / run.caught}`);
  // Little's law, with the surge taking its share.
  assert.ok(near(run.caught / ROLLOUT.nodes, 20 * (200 / 220), 0.05), `${run.caught / 200}`);
  assert.equal(run.homeless, 0);
});

test('surge keeps the capacity, unavailable gives it up; both bound the time', () => {
  const durations = exponential(100);
  const surging = simulate(durations, ROLLOUT);
  assert.equal(surging.leastReady, 200);
  const lean = simulate(durations, { ...ROLLOUT, surge: 0, unavailable: 50 });
  assert.equal(lean.leastReady, 150);
  // Ten batches of 20, each as long as a start.
  assert.ok(near(surging.rolloutMs, 10 * 2_000 + 1_000, 0.1), `${surging.rolloutMs}`);
});

test('one node that may be missing: its requests find no home', () => {
  const alone = { ...ROLLOUT, nodes: 1, surge: 0, unavailable: 1 };
  const run = simulate(exponential(10), alone);
  assert.equal(run.leastReady, 0);
  assert.ok(run.homeless > 0);
});

test('the plan: a grace that lets the share end, manifest lines whose times add up', () => {
  const reading = {
    durations: exponential(1_000),
    ratePerSecond: null,
    source: 'test',
    read: 1,
    skipped: 0,
  };
  const { graceMs: _, ...rollout } = { ...ROLLOUT, preStopMs: 2_000 };
  const plan = makePlan({ reading, rollout, share: 0.99, forceMs: 2_000, marginMs: 3_000 });
  assert.equal(plan.graceMs, 6_000, '1 s to leave and ln(100) s to end, in whole seconds');
  assert.equal(plan.terminationGraceSeconds, 2 + 6 + 2 + 3);
  assert.match(plan.manifest, /terminationGracePeriodSeconds: 13\n/);
  const chosen = plan.settings.find(({ graceMs }) => graceMs === plan.graceMs);
  assert.ok(chosen && chosen.cutShare <= 0.01);
  const cuts = plan.settings.map(({ cutShare }) => cutShare);
  assert.deepEqual(
    cuts,
    cuts.toSorted((a, b) => b - a),
  );
});

test('what cannot be is refused', () => {
  const durations = exponential(10);
  const refused = (change: Partial<Rollout>, words: RegExp): void =>
    assert.throws(
      () => simulate(durations, { ...ROLLOUT, ...change }),
      (error) => error instanceof PlannerError && words.test(error.message),
    );
  refused({ surge: 0 }, /at least one of them above 0/);
  refused({ nodes: 0 }, /nodes: expected at least 1/);
  refused({ unavailable: 201 }, /at most nodes/);
  refused({ leaveMs: 6_000 }, /leave: expected at most the grace/);
  refused({ ratePerSecond: Number.NaN }, /a number of 0 or more; got NaN/);
});
