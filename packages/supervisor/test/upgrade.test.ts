import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { CommandFailed } from '../src/index.ts';
import { NodeUnderTest } from './support/node.ts';
import { isAlive, poll } from './support/poll.ts';

it('USR2 hands the sockets to a new supervisor; a stream of the old one runs to its end', async () => {
  await using node = await NodeUnderTest.start({ args: ['--pid-file', 'pid'] });
  const before = await node.status();
  const end = join(node.dir, 'end');
  const stream = node.get(`/stream?until=${end}`);
  await poll(async () => (await node.status()).in_flight === 1);
  node.signal('SIGUSR2');
  await node.line(/stops: upgraded/);
  await poll(async () => (await node.status()).pid !== before.pid);
  const after = await node.status();
  assert.equal(after.in_flight, 1, 'the stream of the older supervisor is counted');
  assert.equal(after.generation, before.generation + 1);
  assert.equal((await node.get('/')).status, 200);
  writeFileSync(end, '');
  const events = (await stream).body.split('\n\n').slice(0, -1);
  assert.deepEqual(
    events,
    events.map((_, i) => `data: ${i}`),
  );
  assert.equal(await node.exited, 0);
  await node.ask('stop');
});

it('keeps the totals of the older supervisor in the metrics', async () => {
  await using node = await NodeUnderTest.start();
  await Promise.all(Array.from({ length: 20 }, () => node.get('/')));
  await node.ask('upgrade');
  await node.exited;
  await poll(async () => {
    const { body } = await node.get('/metrics');
    return body.includes('lastcall_work_total{kind="request",outcome="completed"} 20');
  });
  await node.ask('stop');
});

it('counts the leases of killed workers once, in status and in metrics', async () => {
  await using node = await NodeUnderTest.start();
  const cut = assert.rejects(node.get('/slow?ms=20000'));
  await poll(async () => (await node.status()).workers.some((one) => one.in_flight === 1));
  const held = (await node.status()).workers.find((one) => one.in_flight === 1);
  process.kill(held!.pid, 'SIGKILL');
  await cut;
  await poll(async () => (await node.status()).killed_leases === 1);
  await node.ask('upgrade');
  await node.exited;
  await poll(async () => (await node.status()).killed_leases === 1);
  await poll(async () => (await node.get('/metrics')).body.includes('forced_kill_count 1\n'));
  assert.match((await node.get('/metrics')).body, /lastcall_killed_leases_total 1\n/);
  await node.ask('stop');
});

it('rolls back when the successor does not come up', async () => {
  const config = 'env:\n  APP_VERSION: old\n';
  await using node = await NodeUnderTest.start({ config });
  writeFileSync(join(node.dir, 'lastcall.yaml'), 'env:\n  APP_FAIL: throw\n');
  await assert.rejects(node.ask('upgrade'), (error: CommandFailed) => {
    assert.match(error.message, /successor ended with exit code 5/);
    assert.equal(error.exitCode, 1);
    return true;
  });
  const status = await node.status();
  assert.equal(status.pid, node.child.pid);
  assert.equal(status.last_upgrade?.ok, false);
  assert.equal((await node.get('/')).headers['x-version'], 'old');
});

it('ends a successor that takes too long, with its workers', async () => {
  await using node = await NodeUnderTest.start({ args: ['--upgrade-ms', '6000'] });
  writeFileSync(join(node.dir, 'lastcall.yaml'), 'env:\n  APP_FAIL: hold\n');
  await assert.rejects(node.ask('upgrade'), /was not ready within 6000 ms/);
  const pids = [...node.output.matchAll(/w[34] started \(pid (\d+)/g)].map(([, pid]) =>
    Number(pid),
  );
  assert.equal(pids.length, 2);
  await poll(async () => pids.every((pid) => !isAlive(pid)));
  assert.equal((await node.get('/')).status, 200);
});

it('answers a second upgrade while one runs, and a TERM during one stops both', async () => {
  await using node = await NodeUnderTest.start();
  writeFileSync(join(node.dir, 'lastcall.yaml'), 'env:\n  APP_FAIL: hold\n');
  const first = assert.rejects(node.ask('upgrade'), /stops/);
  await node.line(/w3 started/);
  await assert.rejects(node.ask('upgrade'), /under way already/);
  node.signal('SIGTERM');
  await first;
  assert.equal(await node.exited, 0);
  const pids = [...node.output.matchAll(/started \(pid (\d+)/g)].map(([, pid]) => Number(pid));
  await poll(async () => pids.every((pid) => !isAlive(pid)));
});
