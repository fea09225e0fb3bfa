// A reload that also changes how many workers there are, and a change of number during a reload.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isLive } from '../src/core/model.ts';
import { Simulation } from './support/simulation.ts';

function serving(workers: number, policy = {}): Simulation {
  const sim = new Simulation(workers, policy);
  sim.settle();
  sim.done.length = 0;
  return sim;
}

const did = (sim: Simulation): string[] => sim.done.map((action) => action.do);

it('a reload to fewer workers retires none before a new one has proved itself', () => {
  const sim = serving(4);
  sim.reload(1);
  assert.deepEqual(did(sim), ['spawn']);
  const [fresh] = sim.phase('starting');
  sim.ready(fresh!);
  assert.equal(sim.phase('serving').length, 4);
  sim.pass(1_000);
  assert.equal(sim.show('serving'), 'w5/2');
  assert.deepEqual([sim.node.lastReload?.ok, sim.node.target], [true, 1]);
});

for (const [from, to] of [
  [4, 1],
  [4, 2],
  [2, 4],
] as const)
  it(`a reload from ${from} to ${to} workers that fails leaves the ${from} old ones, and wants as many`, () => {
    const sim = serving(from, { surge: 2 });
    sim.reload(to);
    sim.die(sim.phase('starting')[0]!);
    assert.equal(sim.node.lastReload?.ok, false);
    assert.deepEqual([sim.node.target, sim.node.generation], [from, 1]);
    assert.equal(sim.phase('serving').length, from);
    sim.pass(10_000);
    const live = sim.node.workers.filter(isLive);
    assert.deepEqual(new Set(live.map(({ generation }) => generation)), new Set([1]));
    sim.die(sim.phase('serving')[0]!);
    assert.equal(sim.show('starting'), `w${sim.node.nextWorkerId - 1}/1`);
  });

it('fewer workers asked for during a reload waits for the new version to prove itself', () => {
  const sim = serving(4);
  sim.reload();
  sim.node.target = 2;
  sim.turn();
  assert.equal(sim.phase('serving').length, 4);
  assert.equal(sim.node.rollout?.promoted, 0);
  sim.die(sim.phase('starting')[0]!);
  assert.equal(sim.node.lastReload?.ok, false);
  assert.equal(sim.show('serving'), 'w1/1 w2/1', 'what was asked for then comes about');
});

it('a number asked for during a reload that fails is kept', () => {
  const sim = serving(4);
  sim.reload(1);
  sim.node.target = 6;
  sim.die(sim.phase('starting')[0]!);
  sim.settle();
  assert.deepEqual([sim.node.target, sim.phase('serving').length], [6, 6]);
});

it('a pause during a reload to fewer workers retires all', () => {
  const sim = serving(4);
  sim.reload(1);
  sim.node.paused = true;
  sim.turn();
  assert.equal(sim.phase('retiring').length, 5);
});

it('with a new version that crashes past the limit after it has proved itself, its number stays', () => {
  const sim = serving(4);
  sim.reload(3);
  sim.ready(sim.phase('starting')[0]!);
  sim.pass(1_000);
  assert.equal(sim.show('serving').split(' ').length, 3);
  for (let i = 0; i < 5; i += 1) {
    sim.pass(sim.policy.backoffMaxMs);
    for (const worker of sim.phase('starting')) sim.die(worker);
  }
  assert.equal(sim.node.lastReload?.ok, false);
  assert.deepEqual([sim.node.target, sim.node.generation], [3, 2]);
});

it('never serves with fewer than both the old and the new number ask for, whatever the numbers', () => {
  for (const from of [1, 2, 3, 5])
    for (const to of [1, 2, 4, 6])
      for (const surge of [1, 2, 8])
        for (const parallel of [0, 1]) {
          const sim = serving(from, { surge, parallel });
          sim.reload(to);
          while (sim.node.rollout) {
            const now = sim.phase('serving');
            const fresh = now.filter(({ generation }) => generation === 2);
            assert.ok(now.length >= (fresh.length > 0 ? Math.min(from, to) : from));
            const live = now.length + sim.phase('starting').length + sim.phase('proving').length;
            assert.ok(live <= Math.max(from, to) + surge);
            for (const worker of sim.phase('starting')) sim.ready(worker);
            sim.pass(sim.policy.proveMs);
          }
          assert.equal(sim.phase('serving').length, to);
        }
});

it('an old worker that is worn as well counts as replaced', () => {
  const sim = serving(3);
  for (const worker of sim.phase('serving')) worker.worn = 'maxRequests';
  sim.reload();
  sim.ready(sim.phase('starting')[0]!);
  sim.pass(1_000);
  assert.equal(sim.node.rollout?.promoted, 1);
  sim.die(sim.phase('starting')[0]!);
  assert.ok(sim.node.rollout, 'an old worker has gone: nothing is taken back');
});
