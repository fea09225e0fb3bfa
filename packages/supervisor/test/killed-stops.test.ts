import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Stop } from '../src/stops.ts';
import { NodeUnderTest } from './support/node.ts';

const stops = ({ dir }: NodeUnderTest): Stop[] =>
  readFileSync(join(dir, '.lastcall/stops.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Stop);

/** The pid of the worker that holds a request. */
async function busy(node: NodeUnderTest): Promise<number> {
  for (;;) {
    const { workers } = await node.status();
    const found = workers.find(({ in_flight: held }) => held === 1);
    if (found) return found.pid;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it('a worker that is killed leaves a record, with what it held as lost', async () => {
  await using node = await NodeUnderTest.start();
  const held = node.get('/slow?ms=60000').catch(() => 'cut');
  const pid = await busy(node);
  process.kill(pid, 'SIGKILL');
  assert.equal(await held, 'cut');
  await node.line(/is ready/, 3);
  const [stop, more] = stops(node);
  assert.ok(stop && more === undefined);
  assert.deepEqual([stop.result, stop.exitCode, stop.pid], ['killed', null, pid]);
  assert.match(stop.reason, /was killed by SIGKILL/);
  assert.match(stop.failure ?? '', /left no record of its own/);
  assert.deepEqual([stop.inFlightAtStart, stop.inFlightByKind], [1, { request: 1 }]);
  assert.equal(stop.outcomes.lost, 1);
  node.signal('SIGTERM');
  assert.equal(await node.exited, 0);
  const results = stops(node).map(({ result, exitCode }) => [result, exitCode]);
  assert.deepEqual(results, [
    ['killed', null],
    ['stopped', 0],
    ['stopped', 0],
  ]);
});

it('a worker that is killed because it does not stop in time leaves one as well', async () => {
  const env = { LASTCALL_GRACE_MS: '500', LASTCALL_FORCE_MS: '100', LASTCALL_WORKERS: '1' };
  await using node = await NodeUnderTest.start({ args: ['--kill-margin-ms', '500'], env });
  const [worker] = (await node.status()).workers;
  process.kill(worker!.pid, 'SIGSTOP');
  node.signal('SIGTERM');
  assert.equal(await node.exited, 3);
  const [stop] = stops(node);
  assert.equal(stop?.result, 'killed');
  assert.equal(stop.phases.length, 1);
  assert.ok(stop.durationMs > 0);
});

it('a program that keeps no records has one of what the supervisor saw', async () => {
  const program = new URL('fixtures/foreign.py', import.meta.url).pathname;
  const env = { LASTCALL_WORKERS: '1' };
  await using node = await NodeUnderTest.start({ target: ['--', 'python3', program], env });
  node.signal('SIGTERM');
  assert.equal(await node.exited, 0);
  const [stop] = stops(node);
  assert.deepEqual([stop?.result, stop?.exitCode, stop?.failure], ['stopped', 0, null]);
  assert.equal(stop?.outcomes.lost, 0);
});
