import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Worker } from '../src/core/model.ts';
import { Simulation } from './support/simulation.ts';

/** A node with all its workers serving. */
function serving(workers: number, policy = {}): Simulation {
  const sim = new Simulation(workers, policy);
  sim.settle();
  return sim;
}

/** Crashes all but one, again and again, until the limit is passed. */
function crashBeside(sim: Simulation, stays: Worker): void {
  for (let i = 0; i < 5; i += 1) {
    for (const worker of sim.node.workers) if (worker !== stays) sim.die(worker);
    sim.pass(sim.policy.backoffMaxMs);
  }
}

describe('boot', () => {
  it('starts all workers at once', () => {
    const sim = new Simulation(3);
    assert.equal(sim.show('starting'), 'w1/1 w2/1 w3/1');
  });

  it('halts with code 5 when a worker ends before any was ready', () => {
    const sim = new Simulation(2);
    sim.die(sim.phase('starting')[0]!);
    assert.equal(sim.phase('retiring').length, 1, 'the other worker is told to go');
    sim.gone(sim.phase('retiring')[0]!);
    assert.deepEqual(sim.halted, { code: 5, reason: 'w1 died' });
  });

  it('halts with code 5 when no worker is ready in time', () => {
    const sim = new Simulation(1);
    sim.pass(10_000);
    assert.equal(sim.halted?.code, 5);
  });

  it('goes on when one is ready and another crashes', () => {
    const sim = new Simulation(2);
    const [first, second] = sim.phase('starting');
    sim.ready(first!);
    sim.die(second!);
    assert.equal(sim.halted, undefined);
    assert.equal(sim.phase('starting').length, 1);
  });
});

describe('reload', () => {
  it('replaces one after the other, and retires an old one only for a proved new one', () => {
    const sim = serving(2);
    sim.reload();
    assert.equal(sim.show('starting'), 'w3/2', 'surge 1: one more than wanted');
    sim.ready(sim.phase('starting')[0]!);
    assert.equal(sim.phase('retiring').length, 0, 'ready is not yet proved');
    sim.pass(1_000);
    assert.equal(sim.show('retiring'), 'w2/1');
    assert.equal(sim.show('starting'), 'w4/2', 'a retiring worker holds no place');
    sim.settle();
    assert.equal(sim.show('serving'), 'w3/2 w4/2');
    assert.equal(sim.node.lastReload?.ok, true);
    assert.equal(sim.node.generation, 2);
  });

  it('starts as many at a time as surge and parallel allow', () => {
    const wide = serving(4, { surge: 4 });
    wide.reload();
    assert.equal(wide.phase('starting').length, 4);
    const narrow = serving(4, { surge: 4, parallel: 2 });
    narrow.reload();
    assert.equal(narrow.phase('starting').length, 2);
  });

  it('discards a new version whose first worker crashes; no old worker is touched', () => {
    const sim = serving(2);
    sim.reload();
    sim.die(sim.phase('starting')[0]!);
    assert.equal(sim.show('serving'), 'w1/1 w2/1');
    assert.equal(sim.node.workers.length, 2);
    assert.equal(sim.node.generation, 1);
    assert.deepEqual([sim.node.lastReload?.ok, sim.node.lastReload?.message], [false, 'w3 died']);
  });

  it('discards a new version that crashes while it proves itself, and what else of it runs', () => {
    const sim = serving(3, { surge: 2 });
    sim.reload();
    const [first, second] = sim.phase('starting');
    sim.ready(first!, second!);
    sim.die(first!);
    assert.equal(sim.show('retiring'), `${second!.name}/2`);
    assert.equal(sim.show('serving'), 'w1/1 w2/1 w3/1');
  });

  it('discards a new version that is never ready', () => {
    const sim = serving(1);
    sim.reload();
    sim.pass(10_000);
    assert.equal(sim.show('serving'), 'w1/1');
    assert.match(sim.node.lastReload?.message ?? '', /not ready within 10000 ms/);
  });

  it('makes one of two reloads that come during one', () => {
    const sim = serving(1);
    sim.reload();
    sim.reload();
    sim.reload();
    sim.settle();
    assert.equal(sim.node.generation, 3);
    assert.equal(sim.node.reloadPending, false);
  });

  it('does not wait for streams of an earlier generation', () => {
    const sim = serving(1);
    sim.reload();
    sim.settle();
    sim.reload();
    sim.settle();
    assert.equal(sim.show('retiring'), 'w1/1 w2/2', 'two generations drain side by side');
    assert.equal(sim.show('serving'), 'w3/3');
  });

  it('waits while the node drains, and begins when it is resumed', () => {
    const sim = serving(1);
    sim.node.draining = true;
    sim.reload();
    assert.equal(sim.phase('starting').length, 0);
    sim.node.draining = false;
    sim.turn();
    assert.equal(sim.show('starting'), 'w2/2');
  });
});

describe('crashes', () => {
  it('restarts the first at once, later ones after a growing pause', () => {
    const sim = serving(2);
    sim.die(sim.phase('serving')[0]!);
    assert.equal(sim.phase('starting').length, 1);
    sim.settle();
    sim.die(sim.phase('serving')[0]!);
    assert.equal(sim.phase('starting').length, 0);
    sim.pass(100);
    assert.equal(sim.phase('starting').length, 1);
    sim.settle();
    sim.die(sim.phase('serving')[0]!);
    sim.pass(199);
    assert.equal(sim.phase('starting').length, 0);
    sim.pass(1);
    assert.equal(sim.phase('starting').length, 1);
  });

  it('gives up with code 1 past the limit when no worker is left', () => {
    const sim = serving(1);
    for (let i = 0; i < 10 && !sim.halted; i += 1) {
      for (const worker of [...sim.phase('serving'), ...sim.phase('starting')]) sim.die(worker);
      sim.pass(10_000);
    }
    assert.equal(sim.halted?.code, 1);
    assert.match(sim.halted?.reason ?? '', /restartLimit 3/);
  });

  it('slows down past the limit while others serve', () => {
    const sim = serving(2);
    const [stays] = sim.phase('serving');
    for (let i = 0; i < 6; i += 1) {
      for (const worker of [...sim.phase('serving'), ...sim.phase('starting')])
        if (worker !== stays) sim.die(worker);
      sim.pass(sim.policy.backoffMaxMs);
    }
    assert.equal(sim.halted, undefined);
    assert.equal(sim.phase('starting').length, 1);
    assert.ok(sim.node.workers.includes(stays!));
  });

  it('does not give up for crashes of long ago', () => {
    const sim = serving(2);
    const [stays] = sim.phase('serving');
    crashBeside(sim, stays!);
    assert.ok(sim.node.crashes.length > sim.policy.restartLimit);
    sim.settle();
    sim.pass(sim.policy.restartWindowMs);
    sim.node.paused = true;
    sim.turn();
    sim.node.paused = false;
    sim.turn();
    assert.equal(sim.node.stopping, undefined);
    assert.equal(sim.phase('starting').length, 2);
  });

  it('waits for the longest pause past the limit', () => {
    const sim = serving(2);
    crashBeside(sim, sim.phase('serving')[0]!);
    for (const worker of sim.phase('starting')) sim.die(worker);
    sim.pass(sim.policy.backoffMaxMs - 1);
    assert.equal(sim.phase('starting').length, 0);
    sim.pass(1);
    assert.equal(sim.phase('starting').length, 1);
  });

  it('of a new version that has replaced an old worker are retried, and past the limit the rest of the old ones stay', () => {
    const sim = serving(3);
    sim.reload();
    sim.ready(sim.phase('starting')[0]!);
    sim.pass(1_000);
    assert.equal(sim.node.rollout?.promoted, 1);
    sim.die(sim.phase('starting')[0]!);
    assert.ok(sim.node.rollout, 'one failure takes nothing back');
    for (let i = 0; i < 4; i += 1) {
      sim.pass(sim.policy.backoffMaxMs);
      for (const worker of sim.phase('starting')) sim.die(worker);
    }
    assert.equal(sim.node.lastReload?.ok, false);
    assert.equal(sim.phase('serving').length, 3);
    assert.deepEqual(
      new Set(sim.phase('serving').map(({ generation }) => generation)),
      new Set([1, 2]),
    );
  });

  it('forgets crashes that are older than the window', () => {
    const sim = serving(1);
    for (let i = 0; i < 10; i += 1) {
      sim.die(sim.phase('serving')[0]!);
      sim.settle();
      sim.pass(sim.policy.restartWindowMs);
    }
    assert.equal(sim.halted, undefined);
    assert.equal(sim.phase('serving').length, 1);
  });
});

describe('scale, pause, wear, stop', () => {
  it('adds at once and retires the youngest when fewer are wanted', () => {
    const sim = serving(2);
    sim.node.target = 4;
    sim.turn();
    assert.equal(sim.phase('starting').length, 2);
    sim.settle();
    sim.node.target = 1;
    sim.turn();
    assert.equal(sim.show('serving'), 'w1/1');
    assert.equal(sim.phase('retiring').length, 3);
  });

  it('pause retires all; a reload brings workers back', () => {
    const sim = serving(2);
    sim.node.paused = true;
    sim.turn();
    assert.equal(sim.phase('retiring').length, 2);
    sim.reload();
    sim.settle();
    assert.equal(sim.phase('serving').length, 2);
  });

  it('replaces a worn worker before it is retired, one at a time', () => {
    const sim = serving(2);
    for (const worker of sim.phase('serving')) worker.worn = 'maxRequests';
    sim.turn();
    assert.equal(sim.show('starting'), 'w3/1');
    assert.equal(sim.phase('retiring').length, 0);
    sim.settle();
    assert.equal(sim.show('serving'), 'w3/1 w4/1');
    const retired = sim.done.filter((action) => action.do === 'retire');
    assert.deepEqual(
      retired.map(({ reason }) => reason),
      ['maxRequests', 'maxRequests'],
    );
  });

  it('stops: tells all, kills who is late, halts with the code', () => {
    const sim = serving(2);
    sim.node.stopping = { mode: 'graceful', reason: 'SIGTERM', exitCode: 0 };
    sim.turn();
    const [first, second] = sim.phase('retiring');
    sim.gone(first!);
    assert.equal(sim.halted, undefined);
    sim.pass(30_000);
    assert.equal(second!.at.phase === 'retiring' && second!.at.killed, true);
    sim.gone(second!);
    assert.deepEqual(sim.halted, { code: 0, reason: 'SIGTERM' });
  });
});
