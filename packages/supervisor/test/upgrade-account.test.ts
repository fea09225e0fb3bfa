import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { NodeSnapshot } from '../src/index.ts';
import { poll } from './support/poll.ts';
import { NodeUnderTest } from './support/node.ts';

it('while an older supervisor drains, what it has counted and what it holds are still those of the node', async () => {
  await using node = await NodeUnderTest.start();
  const look = (): Promise<NodeSnapshot> => node.ask<NodeSnapshot>('snapshot');
  for (let i = 0; i < 5; i += 1) await node.get('/');
  const cut = assert.rejects(node.get('/slow?ms=20000'));
  await poll(async () => (await node.status()).workers.some((one) => one.in_flight === 1));
  const held = (await node.status()).workers.find((one) => one.in_flight === 1);
  process.kill(held!.pid, 'SIGKILL');
  await cut;
  const end = join(node.dir, 'end');
  const stream = node.get(`/stream?until=${end}`);
  stream.catch(() => undefined);
  await poll(async () => {
    const { inFlight, outcomes, workers } = await look();
    return inFlight === 1 && outcomes.lost === 1 && workers.length === 2;
  });
  const before = await look();
  assert.match(before.estimate.reason ?? '', /only 0 of 20 measured durations of kind stream/);
  await node.ask('upgrade');
  const during = await look();
  assert.notEqual(during.pid, before.pid);
  assert.equal(during.inFlight, 1);
  assert.equal(during.outcomes.completed, 5);
  assert.equal(during.outcomes.lost, 1, 'what is lost is not forgotten');
  assert.deepEqual(
    during.work.map(({ kind }) => kind),
    ['stream'],
  );
  const old = during.workers.filter(({ generation }) => generation === before.generation);
  assert.deepEqual(
    old.map(({ phase }) => phase).filter((phase) => phase !== 'retiring'),
    [],
  );
  assert.ok(old.some((worker) => worker.in_flight === 1));
  assert.match(during.estimate.reason ?? '', /only 0 of 20/);
  writeFileSync(end, '');
  assert.equal((await stream).status, 200);
  await node.exited;
  await poll(async () => (await look()).workers.every(({ phase }) => phase !== 'retiring'));
  const { outcomes, work } = await look();
  assert.deepEqual([outcomes.completed, outcomes.lost, work], [6, 1, []], 'nothing counts twice');
  await node.ask('stop');
});

it('an older supervisor whose worker hangs keeps its share as well', async () => {
  await using node = await NodeUnderTest.start({ env: { LASTCALL_WORKERS: '1' } });
  const look = (): Promise<NodeSnapshot> => node.ask<NodeSnapshot>('snapshot');
  for (let i = 0; i < 5; i += 1) await node.get('/');
  const hung = node.get('/slow?ms=20000').catch(() => undefined);
  await poll(async () => {
    const { inFlight, outcomes } = await look();
    return inFlight === 1 && outcomes.completed === 5;
  });
  const [worker] = (await look()).workers;
  process.kill(worker!.pid!, 'SIGSTOP');
  await node.ask('upgrade');
  await poll(async () => (await look()).outcomes.completed === 5);
  for (let i = 0; i < 3; i += 1) {
    const { outcomes, workers } = await look();
    assert.equal(outcomes.completed, 5);
    assert.ok(workers.some(({ pid }) => pid === worker!.pid));
  }
  await node[Symbol.asyncDispose]();
  await hung;
});
