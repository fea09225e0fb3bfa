// What a worker that a signal ends means for the exit code of the node, and for what is counted as lost.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Stop } from '../src/stops.ts';
import { NodeUnderTest } from './support/node.ts';
import { poll } from './support/poll.ts';

const PROGRAM = new URL('fixtures/foreign.py', import.meta.url).pathname;
const target = ['--', 'python3', PROGRAM];
const ONE = { LASTCALL_WORKERS: '1' };

const stops = ({ dir }: NodeUnderTest): Stop[] =>
  readFileSync(join(dir, '.lastcall/stops.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Stop);

/** A request that a worker holds, and the pid of that worker. */
async function held(node: NodeUnderTest): Promise<{ cut: Promise<unknown>; pid: number }> {
  const cut = node.get('/slow?ms=60000').catch(() => 'cut');
  let pid: number | undefined;
  await poll(async () => {
    pid = (await node.status()).workers.find(({ in_flight }) => in_flight === 1)?.pid;
    return pid !== undefined;
  });
  return { cut, pid: pid! };
}

for (const signal of ['SIGABRT', 'SIGKILL'] as const)
  it(`a worker that ${signal} ends while it drains makes the exit code 3`, async () => {
    await using node = await NodeUnderTest.start({ env: ONE });
    const { cut, pid } = await held(node);
    node.signal('SIGTERM');
    await node.line(/retires: SIGTERM/);
    process.kill(pid, signal);
    assert.equal(await cut, 'cut');
    assert.equal(await node.exited, 3);
    const [stop] = stops(node);
    assert.deepEqual([stop?.result, stop?.outcomes.lost], ['killed', 1]);
  });

it('a crash by a signal counts the leases that were lost, but as no forced kill', async () => {
  await using node = await NodeUnderTest.start();
  const { cut, pid } = await held(node);
  process.kill(pid, 'SIGSEGV');
  assert.equal(await cut, 'cut');
  await node.line(/is ready/, 3);
  const status = await node.status();
  assert.deepEqual([status.killed_leases, status.forced_kills], [1, 0]);
  const { body } = await node.get('/metrics');
  assert.match(body, /^lastcall_killed_leases_total 1$/m);
  node.signal('SIGTERM');
  assert.equal(await node.exited, 0, 'what happened before the stop is no matter of the stop');
});

it('a program that ends by the signal it was told to stop with has stopped in order', async () => {
  const args = ['--stop-signal', 'SIGUSR1'];
  await using node = await NodeUnderTest.start({ args, env: ONE, target });
  node.signal('SIGTERM');
  await node.line(/was killed by SIGUSR1/);
  assert.equal(await node.exited, 0);
});

it('a program that another signal ends during the stop has not', async () => {
  await using node = await NodeUnderTest.start({ env: ONE, target });
  const [worker] = (await node.status()).workers;
  process.kill(worker!.pid, 'SIGSTOP');
  node.signal('SIGTERM');
  await node.line(/retires: SIGTERM/);
  process.kill(worker!.pid, 'SIGKILL');
  assert.equal(await node.exited, 3);
});
