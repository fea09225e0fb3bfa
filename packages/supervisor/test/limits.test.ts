import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest } from './support/node.ts';
import { poll } from './support/poll.ts';

it('finds a hung event loop, writes down where it hangs, breaks it, and replaces the worker', async () => {
  await using node = await NodeUnderTest.start({ args: ['--hang-ms', '2000', '--workers', '1'] });
  const hung = node.get('/hang').catch((error: Error) => error);
  await node.line(/w1 hangs: at hangForever/);
  await node.line(/w2 is ready/);
  await hung;
  await node.line(/w1 (exited|was killed)/);
  const [report] = globSync(join(node.dir, '.lastcall/reports/*.txt'));
  assert.match(readFileSync(report!, 'utf8'), /at hangForever .*app\.ts/);
  assert.equal((await node.status()).restarts.hung, 1);
  assert.equal((await node.get('/')).status, 200);
});

it('replaces a worker after its number of requests, with a new one ready first', async () => {
  const args = ['--workers', '1', '--max-requests', '5', '--jitter', '0'];
  await using node = await NodeUnderTest.start({ args });
  for (let i = 0; i < 6; i += 1) assert.equal((await node.get('/')).status, 200);
  await node.line(/w1 is to be replaced: maxRequests/);
  await node.line(/w2 is ready/);
  await node.line(/w1 retires: maxRequests/);
  assert.equal((await node.status()).restarts.maxRequests, 1);
});

it('replaces a worker at its age and at its memory', async () => {
  await using old = await NodeUnderTest.start({ args: ['--workers', '1', '--max-age-ms', '1s'] });
  await old.line(/w1 retires: maxAgeMs/);
  await using fat = await NodeUnderTest.start({
    args: ['--workers', '1', '--max-memory-bytes', '1mb'],
  });
  await fat.line(/w1 retires: maxMemoryBytes/);
});

it('restarts with growing pauses, and ends with code 1 when every new worker dies', async () => {
  const args = ['--workers', '1', '--restart-limit', '3', '--backoff-ms', '20'];
  await using node = await NodeUnderTest.start({ args });
  for (let i = 1; i <= 4; i += 1) {
    await node.line(/is ready/, i);
    const [worker] = (await node.status()).workers;
    process.kill(worker!.pid, 'SIGKILL');
  }
  assert.equal(await node.exited, 1);
  await node.closed;
  assert.match(node.output, /4 crashes within 60000 ms \(restartLimit 3\)/);
});

it('a killed worker costs the requests it held and no other', async () => {
  await using node = await NodeUnderTest.start();
  const held = node.get('/slow?ms=30000').catch(() => 'cut');
  let victim: number | undefined;
  await poll(async () => {
    victim = (await node.status()).workers.find(({ in_flight }) => in_flight === 1)?.pid;
    return victim !== undefined;
  });
  process.kill(victim!, 'SIGKILL');
  const others = await Promise.all(Array.from({ length: 50 }, () => node.get('/')));
  assert.ok(others.every(({ status }) => status === 200));
  assert.equal(await held, 'cut');
});
