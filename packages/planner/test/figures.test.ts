// Where the figures of a plan would be wrong, and nobody would see it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import {
  Distribution,
  makePlan,
  readNode,
  readPrometheus,
  type Rollout,
  showPlan,
  simulate,
} from '@lastcall/planner';
import { createLifecycle } from 'lastcall';
import { near } from './support.ts';

const ROLLOUT: Rollout = {
  nodes: 50,
  ratePerSecond: 500,
  surge: 5,
  unavailable: 0,
  startMs: 1_000,
  preStopMs: 0,
  leaveMs: 0,
  graceMs: 10_000,
  exitMs: 50,
};

test('rare work that takes very long is in flight from the beginning of the simulation', () => {
  const durations = new Distribution();
  durations.add(10, 9_995);
  durations.add(3.6e6, 5);
  const run = simulate(durations, ROLLOUT);
  // Little's law, with the surge taking its share of what comes new: all but nothing in 10 s.
  const wanted = ROLLOUT.ratePerSecond * (durations.meanMs / 1_000);
  assert.ok(near(run.caught, wanted, 0.1), `${run.caught} caught, ${wanted} in flight`);
  assert.ok(near(run.cut / run.caught, durations.residualSurvival(10_000), 0.05), `${run.cut}`);
});

test('work that is in flight ends as the arithmetic says, whatever its shape', () => {
  const fixed = new Distribution();
  fixed.add(8_000);
  const two = new Distribution();
  two.add(100, 900);
  two.add(20_000, 100);
  for (const durations of [fixed, two]) {
    const graceMs = 4_000;
    const run = simulate(durations, { ...ROLLOUT, ratePerSecond: 2_000, graceMs });
    const wanted = durations.residualSurvival(graceMs);
    assert.ok(near(run.cut / run.caught, wanted, 0.05), `${run.cut / run.caught} for ${wanted}`);
  }
});

test('a leave time as long as the grace: what is in flight then is cut off', () => {
  const durations = new Distribution();
  durations.add(60_000);
  const run = simulate(durations, { ...ROLLOUT, leaveMs: 5_000, graceMs: 5_000 });
  assert.equal(run.cut, run.caught);
  assert.equal(Math.max(...run.stopsMs), 5_000);
});

async function answering(t: { after(end: () => void): void }, body: string): Promise<string> {
  const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('durations are even over the logarithm of the whole bucket, however wide it is', async (t) => {
  const result = [
    { metric: { le: '1' }, value: [0, '0'] },
    { metric: { le: '100' }, value: [0, '10'] },
    { metric: { le: '+Inf' }, value: [0, '10'] },
  ];
  const { durations } = await readPrometheus(
    `http://${await answering(t, JSON.stringify({ data: { result } }))}`,
  );
  assert.ok(near(durations.quantileMs(0.5), 10_000, 0.05), `${durations.quantileMs(0.5)}`);
  assert.ok(near(durations.quantileMs(0.25), 3_162, 0.05), `${durations.quantileMs(0.25)}`);
  assert.ok(near(durations.meanMs, 99_000 / Math.log(100), 0.05), `${durations.meanMs}`);
});

test('work beyond the last edge of a histogram is told, as nobody knows how long it takes', async (t) => {
  const ask = async (...counts: [le: string, count: string][]) => {
    const result = counts.map(([le, count]) => ({ metric: { le }, value: [0, count] }));
    return readPrometheus(`http://${await answering(t, JSON.stringify({ data: { result } }))}`);
  };
  const reading = await ask(['1', '1'], ['10', '3'], ['+Inf', '4']);
  const { edgeMs, share } = reading.beyond!;
  assert.equal(edgeMs, 10_000);
  assert.ok(near(share, 0.25, 1e-9), `${share}`);
  const { graceMs: _, ...rollout } = ROLLOUT;
  const plan = makePlan({ reading, rollout, share: 0.99, forceMs: 0, marginMs: 0 });
  assert.match(
    showPlan(plan, reading, rollout, 0.99),
    /25\.00 % .* longer than 10 s, the last edge .* twice as long/,
  );
  const known = await ask(['1', '1'], ['10', '4'], ['+Inf', '4']);
  assert.equal(known.beyond, null);
  assert.doesNotMatch(showPlan(plan, known, rollout, 0.99), /last edge/);
  await assert.rejects(ask(['+Inf', '4']), /no bucket with a finite edge/);
});

test('a password with a percent sign in it', async (t) => {
  let authorization: string | undefined;
  const server = createServer(({ headers }, response) => {
    authorization = headers.authorization;
    response.end('lastcall_work_duration_seconds_bucket{kind="request",le="1"} 4\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  assert.equal((await readNode(`http://me:100%@127.0.0.1:${port}`)).read, 4);
  assert.equal(authorization, `Basic ${Buffer.from('me:100%').toString('base64')}`);
});

test('a service takes the times of every manifest that is printed', () => {
  const durations = new Distribution();
  durations.add(1_000);
  const reading = { durations, ratePerSecond: null, source: 'test', read: 1, skipped: 0 };
  const { graceMs: _, ...rollout } = ROLLOUT;
  for (const preStopMs of [0, 500, 2_000])
    for (const forceMs of [0, 500, 2_000])
      for (const marginMs of [0, 1, 3_000]) {
        const request = { reading, rollout: { ...rollout, preStopMs }, share: 0.99 };
        const { manifest } = makePlan({ ...request, forceMs, marginMs });
        const of = (name: string): number =>
          Number(new RegExp(`name: ${name}, value: '([\\d.]+)'`).exec(manifest)?.[1]);
        createLifecycle({
          graceMs: of('GRACEFUL_SHUTDOWN_TIMEOUT') * 1_000,
          forceMs: of('LASTCALL_FORCE_MS'),
          leaveMaxMs: of('LASTCALL_LEAVE_MAX_MS'),
          killAfterMs: of('LASTCALL_KILL_AFTER_MS'),
        });
      }
});
