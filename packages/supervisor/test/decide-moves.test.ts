import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Simulation } from './support/simulation.ts';

it('retires the next one when the one before has moved its connections, or says nothing of them', () => {
  const sim = new Simulation(2, { surge: 2 });
  sim.settle();
  sim.reload();
  for (const worker of sim.phase('starting')) sim.ready(worker);
  const [first] = sim.phase('serving').toReversed();
  sim.pass(999);
  assert.ok(first);
  first.movesUntilMs = sim.nowMs + 501;
  sim.pass(1);
  assert.equal(sim.show('retiring'), first.name + '/1');
  sim.pass(499);
  assert.equal(sim.phase('retiring').length, 1);
  sim.pass(1);
  assert.equal(sim.phase('retiring').length, 2);
});
