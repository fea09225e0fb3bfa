// Which process was told to stop: that one is waited for and forced, and no other is; it is not put back.
import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { code, fakeHaproxy, LEFT } from '../support/fake-haproxy.ts';
import { folder } from '../support/place.ts';
import { program } from '../support/program.ts';
import { processFacts } from '../../src/proxy/processes.ts';

const STOPPED = ['take_out' as const, 'settle' as const, 'stop' as const];
const URL_OF_NONE = 'http://127.0.0.1:1';
const factsOf = (pid: number) => ({ pid, birth: processFacts(pid)?.birth ?? '' });

/** A program that says it is ready whatever happens to its process. */
async function alwaysReady(t: { after(end: () => unknown): void }): Promise<string> {
  const server = http.createServer((_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a process that was started since another was told is told too, before anybody forces it', async (t) => {
  const pidFile = join(folder(t), 'pid');
  const runtime = await fakeHaproxy(t, { pidFile, url: URL_OF_NONE });
  runtime.out.add('a');
  const first = program(t);
  const told = factsOf(first.pid);
  first.kill('SIGKILL');
  await first.ended;
  const second = program(t);
  await second.ready;
  writeFileSync(pidFile, String(second.pid));
  const { journal } = runtime.desk();
  journal.write({ ...LEFT, done: STOPPED, told });
  await runtime.desk().drain('a', true);
  assert.deepEqual(await second.ended, [null, 'SIGTERM']);
  assert.equal(journal.read('a')?.told?.pid, second.pid);
});

test('the process that was told is waited for, though the pid file names another', async (t) => {
  const pidFile = join(folder(t), 'pid');
  const runtime = await fakeHaproxy(t, { pidFile, url: URL_OF_NONE });
  runtime.out.add('a');
  const first = program(t);
  const second = program(t);
  await Promise.all([first.ready, second.ready]);
  writeFileSync(pidFile, String(second.pid));
  const { journal } = runtime.desk();
  journal.write({ ...LEFT, done: STOPPED, told: factsOf(first.pid) });
  setTimeout(() => first.kill('SIGTERM'), 300);
  await runtime.desk().drain('a', true);
  assert.deepEqual(await first.ended, [null, 'SIGTERM']);
  assert.notEqual(processFacts(second.pid), undefined);
});

test('a pid file that is older than the process it names is refused, and nothing is changed', async (t) => {
  const pidFile = join(folder(t), 'pid');
  const runtime = await fakeHaproxy(t, { pidFile, url: URL_OF_NONE });
  const other = program(t);
  writeFileSync(pidFile, String(other.pid));
  const hourAgo = Date.now() / 1_000 - 3_600;
  utimesSync(pidFile, hourAgo, hourAgo);
  await assert.rejects(
    runtime.desk().drain('a'),
    code('ERR_EDGE_MANAGER', /is stale: process \d+/),
  );
  assert.notEqual(processFacts(other.pid), undefined);
  assert.deepEqual([...runtime.out], []);
  assert.deepEqual(runtime.desk().journal.all(), []);
  const now = Date.now() / 1_000;
  utimesSync(pidFile, now, now);
  await runtime.desk().drain('a');
  assert.deepEqual(await other.ended, [null, 'SIGTERM']);
});

test('a process that was told and answers still is not rolled back; undrain waits for its end', async (t) => {
  const node = program(t, true);
  await node.ready;
  const runtime = await fakeHaproxy(t, { pid: node.pid, url: await alwaysReady(t) });
  runtime.out.add('a');
  const { journal } = runtime.desk();
  journal.write({ ...LEFT, done: STOPPED, told: factsOf(node.pid) });
  await assert.rejects(runtime.desk().rollback('a'), code('ERR_EDGE_NODE', /cannot be taken back/));
  assert.deepEqual([...runtime.out], ['a']);
  const undrained = runtime.desk().undrain('a');
  setTimeout(() => node.kill('SIGKILL'), 500);
  let alive: boolean | undefined;
  runtime.mute = (command) => {
    if (command.endsWith('ready')) alive ??= processFacts(node.pid) !== undefined;
    return false;
  };
  await undrained;
  assert.equal(alive, false);
  assert.deepEqual([...runtime.out], []);
  assert.deepEqual(journal.all(), []);
});

test('who was told is written down', async (t) => {
  const node = program(t);
  await node.ready;
  const { birth } = factsOf(node.pid);
  const runtime = await fakeHaproxy(t, { pid: node.pid, url: URL_OF_NONE });
  await runtime.desk().drain('a');
  assert.deepEqual(runtime.desk().journal.read('a')?.told, { pid: node.pid, birth });
});
