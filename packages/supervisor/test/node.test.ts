import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { CommandFailed } from '../src/index.ts';
import { NodeUnderTest } from './support/node.ts';
import { isAlive, poll } from './support/poll.ts';

it('serves on inherited sockets and stops on SIGTERM with what runs finished', async () => {
  await using node = await NodeUnderTest.start();
  const end = join(node.dir, 'end');
  const stream = node.get(`/stream?until=${end}`);
  await poll(async () => (await node.status()).in_flight === 1);
  node.signal('SIGTERM');
  await node.line(/retires: SIGTERM/, 2);
  writeFileSync(end, '');
  assert.equal((await stream).status, 200);
  assert.equal(await node.exited, 0);
  await node.closed;
  assert.match(node.output, /has stopped: SIGTERM \(exit code 0\)/);
});

it('SIGQUIT cancels what runs and ends with code 4', async () => {
  await using node = await NodeUnderTest.start();
  const slow = node.get('/slow?ms=60000').catch((error: Error) => error);
  await poll(async () => (await node.status()).in_flight === 1);
  node.signal('SIGQUIT');
  await slow;
  assert.equal(await node.exited, 4);
});

it('SIGHUP replaces every worker; a request that runs is finished by the old one', async () => {
  await using node = await NodeUnderTest.start();
  const before = new Set((await node.status()).workers.map(({ pid }) => pid));
  const end = join(node.dir, 'end');
  const stream = node.get(`/stream?until=${end}`);
  await poll(async () => (await node.status()).in_flight === 1);
  node.signal('SIGHUP');
  await node.line(/reload done: generation 2/);
  writeFileSync(end, '');
  const reply = await stream;
  assert.equal(reply.status, 200);
  assert.ok(before.has(Number(reply.headers['x-worker'])));
  const status = await node.status();
  assert.equal(status.last_reload?.ok, true);
  const serving = status.workers.filter(({ phase }) => phase !== 'retiring');
  assert.equal(serving.length, 2);
  assert.ok(serving.every(({ generation, pid }) => generation === 2 && !before.has(pid)));
});

it('reads the configuration again on reload', async () => {
  const config = 'env:\n  APP_VERSION: one\nworkers: 1\n';
  await using node = await NodeUnderTest.start({ config, env: { LASTCALL_WORKERS: '' } });
  assert.equal((await node.get('/')).headers['x-version'], 'one');
  writeFileSync(join(node.dir, 'lastcall.yaml'), 'env:\n  APP_VERSION: two\nworkers: 2\n');
  await node.ask('reload');
  // The old worker accepts until it has read that it is to go.
  await poll(async () => (await node.status()).workers.every(({ phase }) => phase === 'serving'));
  assert.equal((await node.get('/')).headers['x-version'], 'two');
  assert.equal((await node.status()).workers_wanted, 2);
});

for (const [what, env, why] of [
  ['crashes', 'APP_FAIL: throw\n', /exited with code 1: .*this version does not start/],
  ['is never ready', 'APP_FAIL: hold\nstartMs: 700\n', /not ready within 700 ms/],
  ['fails its check', "APP_HEALTH: '500'\n", /answered GET \/check with 500/],
] as const)
  it(`keeps the old workers when the new version ${what}`, async () => {
    const config = (more: string): string => `check: /check\nenv:\n  APP_VERSION: old\n${more}`;
    await using node = await NodeUnderTest.start({ config: config('') });
    const before = (await node.status()).workers.map(({ pid }) => pid);
    writeFileSync(join(node.dir, 'lastcall.yaml'), config(`  ${env}`));
    await assert.rejects(node.ask('reload'), (error: CommandFailed) => {
      assert.equal(error.exitCode, 1);
      assert.match(error.message, why);
      return true;
    });
    const status = await node.status();
    assert.match(status.last_reload?.message ?? '', why);
    assert.deepEqual(
      status.workers
        .filter(({ phase }) => phase === 'serving' || phase === 'proving')
        .map(({ pid }) => pid),
      before,
    );
    assert.equal((await node.get('/')).headers['x-version'], 'old');
  });

it('starts a crashed worker again and counts the kill with its leases', async () => {
  await using node = await NodeUnderTest.start();
  const slow = node.get('/slow?ms=60000').catch((error: Error) => error);
  let victim: number | undefined;
  await poll(async () => {
    victim = (await node.status()).workers.find(({ in_flight }) => in_flight === 1)?.pid;
    return victim !== undefined;
  });
  process.kill(victim!, 'SIGKILL');
  assert.ok((await slow) instanceof Error);
  await node.line(new RegExp(`a sibling died: ${victim}`));
  await node.line(/is ready/, 3);
  const status = await node.status();
  assert.equal(status.forced_kills, 1);
  assert.equal(status.killed_leases, 1);
  assert.equal(status.restarts.crash, 1);
  assert.equal((await node.get('/')).status, 200);
});

it('TTIN and TTOU change the number of workers', async () => {
  await using node = await NodeUnderTest.start();
  node.signal('SIGTTIN');
  await node.line(/w3 is ready/);
  assert.equal((await node.status()).workers_wanted, 3);
  node.signal('SIGTTOU');
  await node.line(/retires: scale/);
  assert.equal((await node.status()).workers_wanted, 2);
});

it('WINCH drains the workers and keeps the socket: a connection waits for the next worker', async () => {
  await using node = await NodeUnderTest.start();
  node.signal('SIGWINCH');
  await node.line(/exited with code 0/, 2);
  assert.equal((await node.status()).state, 'paused');
  const waiting = node.get('/');
  node.signal('SIGHUP');
  assert.equal((await waiting).status, 200);
});

it('a worker that is told to go by hand is replaced', async () => {
  await using node = await NodeUnderTest.start();
  const [first] = (await node.status()).workers;
  process.kill(first!.pid, 'SIGTERM');
  await node.line(/stops by itself: SIGTERM/);
  await node.line(/w3 is ready/);
  assert.equal((await node.status()).restarts.crash, 0, 'that is no crash');
});

it('workers whose supervisor was killed finish their work and go', async () => {
  await using node = await NodeUnderTest.start();
  const pids = (await node.status()).workers.map(({ pid }) => pid);
  const end = join(node.dir, 'end');
  const last = node.get(`/stream?until=${end}`);
  await poll(async () => (await node.status()).in_flight === 1);
  node.signal('SIGKILL');
  await node.exited;
  writeFileSync(end, '');
  assert.equal((await last).status, 200);
  await poll(async () => pids.every((pid) => !isAlive(pid)));
});

it('loses no line of output, and marks each with its worker', async () => {
  await using node = await NodeUnderTest.start();
  await Promise.all(Array.from({ length: 50 }, (_, i) => node.get(`/print?text=line-${i}-end`)));
  node.signal('SIGTERM');
  await node.closed;
  for (let i = 0; i < 50; i += 1)
    assert.match(node.output, new RegExp(`^\\[w\\d+\\] line-${i}-end$`, 'm'));
});
