// When a worker that sends no heartbeats is taken for hung.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Simulation } from './support/simulation.ts';

function serving(workers: number, policy = {}): Simulation {
  const sim = new Simulation(workers, policy);
  sim.settle();
  sim.done.length = 0;
  return sim;
}

it('diagnoses a worker without heartbeats, never one that does not send any', () => {
  const sim = serving(2);
  const [beats, mute] = sim.phase('serving');
  beats!.beats = true;
  for (const worker of [beats!, mute!]) worker.missedTicks = 32;
  sim.turn();
  const found = sim.done.filter((action) => action.do === 'diagnose');
  assert.deepEqual(
    found.map(({ worker }) => worker.name),
    [beats!.name],
  );
});

it('takes no worker for hung that sends its heartbeats, however short hangMs is', () => {
  const sim = serving(1, { hangMs: 1_000 });
  const [worker] = sim.phase('serving');
  worker!.beats = true;
  // One heartbeat just before the first tick, the next one just after the second.
  worker!.missedTicks = 2;
  sim.turn();
  assert.equal(sim.done.length, 0);
  worker!.missedTicks = 3;
  sim.turn();
  assert.equal(sim.done[0]?.do, 'diagnose');
});
