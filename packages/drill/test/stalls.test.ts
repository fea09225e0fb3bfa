// Only the drill's own delay excuses a client that sends nothing more; a slow server excuses nobody.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCases } from '../src/cases/load.ts';
import { sleep } from '../src/engine/clock.ts';
import { runCase } from '../src/engine/run.ts';
import { Stalls } from '../src/engine/stalls.ts';
import { script } from './support/servers.ts';

test('a loop that did not turn has stalled, during that turn and after it, and not before it', async (t) => {
  const stalls = new Stalls(100);
  t.after(() => {
    stalls.stop();
  });
  const sinceMs = performance.now();
  while (performance.now() - sinceMs < 150);
  assert.equal(stalls.since(sinceMs), true, 'during the turn');
  await sleep(20);
  assert.equal(stalls.since(sinceMs), true, 'after it');
  assert.equal(stalls.since(performance.now()), false, 'what began after it was not held up');
});

/** Answers slowly, one by one, and goes on for a moment after the signal before it ends everything. */
const slowToAnswer = `
  const server = require('http').createServer((q, s) => setTimeout(() => s.end('hello'), 200));
  server.listen(process.env.PORT, '127.0.0.1');
  process.on('SIGTERM', () => setTimeout(() => process.exit(0), 300));`;

test('the clients of a server that is slow to answer go on asking, so its cut is seen', async () => {
  const race = (await loadCases()).find((one) => one.slug === 'http1/keepalive-race');
  assert(race);
  const config = script(slowToAnswer, { routes: { fast: '/' } });
  const result = await runCase(race, { config, seed: 1, clients: 4 });
  assert.equal(result.verdict, 'fail');
  assert.match(result.actual ?? '', /4 of \d+ lost/);
});
