import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, type ServerProcess, startServer } from './support/process.ts';
import { RawClient } from './support/raw-client.ts';

/** Signals closer together than 500 ms are one, by the clock of the server that handles them. */
const BEYOND_ONE_MS = 600;

/** Opens a request that is in flight when the test goes on. */
async function inFlight(server: ServerProcess, path: string): Promise<RawClient> {
  const client = await RawClient.open(server.port);
  const begun = server.output().match(/^(?:hanging|working)$/gm)?.length ?? 0;
  client.get(path);
  await server.printed(new RegExp(`(?:^(?:hanging|working)$[^]*?){${begun + 1}}`, 'm'));
  return client;
}

const states = (server: ServerProcess): string[] =>
  [...server.output().matchAll(/^state (\w+)$/gm)].map((match) => match[1] ?? '');

test('SIGTERM while starting: the process goes through its phases and never becomes ready', async () => {
  await using server = await startServer('server.ts', { env: { SLOW_BOOT: '1' }, boot: false });
  await server.printed('booting');
  server.signal('SIGTERM');
  const { code } = await server.ended;
  assert.equal(code, 0);
  assert.deepEqual(states(server), ['leaving', 'draining', 'closing', 'stopped']);
});

test('a preStop call and SIGTERM both arriving are one stop with one deadline', async () => {
  await using server = await startServer();
  const slow = await inFlight(server, '/slow?ms=600');
  const hook = await RawClient.open(server.port);
  hook.get('/shutdown/wait');
  await server.printed('state draining');
  server.signal('SIGTERM');
  assert.equal((await slow.answer())?.body.toString(), 'slow');
  const waited = JSON.parse((await hook.answer())?.body.toString() ?? '{}') as { status: string };
  assert.equal(waited.status, 'completed');
  assert.equal((await server.ended).code, 0);
  assert.match(server.output(), /GET \/shutdown\/wait\): completed 1, lost 0/);
});

test('two SIGTERM 10 ms apart are one: the work is finished', async () => {
  await using server = await startServer();
  const slow = await inFlight(server, '/slow?ms=400');
  server.signal('SIGTERM');
  setTimeout(() => server.signal('SIGTERM'), 10);
  assert.equal((await slow.answer())?.body.toString(), 'slow');
  assert.equal((await server.ended).code, 0);
});

test('a second signal after a while cancels: the client is told, exit code 4', async () => {
  await using server = await startServer();
  const hanging = await inFlight(server, '/hang');
  server.signal('SIGTERM');
  await server.printed('state draining');
  await sleep(BEYOND_ONE_MS);
  server.signal('SIGINT');
  assert.equal((await hanging.answer())?.status, 503);
  assert.equal((await server.ended).code, 4);
  assert.match(server.output(), /aborted ERR_LASTCALL_FORCED/);
  assert.match(server.output(), /expired 1, lost 0/);
});

test('a third signal exits at once', async () => {
  await using server = await startServer('server.ts', {
    env: { HANG_CLOSE: '1', FORCE_MS: '60000' },
  });
  server.signal('SIGTERM');
  await server.printed('state closing');
  await sleep(BEYOND_ONE_MS);
  server.signal('SIGTERM');
  await server.printed('SIGTERM again');
  await sleep(BEYOND_ONE_MS);
  server.signal('SIGTERM');
  assert.equal((await server.ended).code, 4);
  assert.match(server.output(), /a third time/);
});

test('SIGQUIT skips the wait: exit code 4', async () => {
  await using server = await startServer();
  const hanging = await inFlight(server, '/hang');
  server.signal('SIGQUIT');
  assert.equal((await hanging.answer())?.status, 503);
  assert.equal((await server.ended).code, 4);
});

test('SIGINT to the process group is one graceful stop', async () => {
  await using server = await startServer('server.ts', { detached: true });
  const slow = await inFlight(server, '/slow?ms=400');
  process.kill(-server.pid, 'SIGINT');
  assert.equal((await slow.answer())?.body.toString(), 'slow');
  assert.equal((await server.ended).code, 0);
});

test('PID 1 with a live timer and a second SIGTERM listener still ends', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('a PID namespace needs root');
  await using server = await startServer('server.ts', {
    wrap: ['unshare', '--pid', '--fork', '--mount-proc'],
    env: { LIVE_TIMER: '1', SECOND_LISTENER: '1' },
  });
  assert.match(server.output(), /pid 1\n/);
  const slow = await inFlight(server, '/slow?ms=300');
  const drained = await RawClient.open(server.port);
  // The server is PID 1 of its own namespace; from outside it is the only child of unshare.
  process.kill(await onlyChild(server.pid), 'SIGTERM');
  assert.equal((await slow.answer())?.body.toString(), 'slow');
  assert.equal((await server.ended).code, 0);
  assert.match(server.output(), /second listener/);
  drained.destroy();
});

test('an uncaught exception is a graceful stop with exit code 1', async () => {
  await using server = await startServer();
  const slow = await inFlight(server, '/slow?ms=300');
  server.child.send('throw');
  assert.equal((await slow.answer())?.body.toString(), 'slow');
  assert.equal((await server.ended).code, 1);
  assert.match(server.output(), /thrown by the application/);
});

test('a handler that never ends: its signal aborts at the deadline, 503, exit code 3', async () => {
  await using server = await startServer('server.ts', {
    env: { GRACE_MS: '300', FORCE_MS: '400' },
  });
  const before = await inFlight(server, '/hang');
  const after = await inFlight(server, '/hang?head=1');
  server.signal('SIGTERM');
  const answer = await before.answer();
  assert.equal(answer?.status, 503);
  assert.equal(answer.headers.get('connection'), 'close');
  assert.equal(await after.answer(), undefined, 'a cut body does not look whole');
  assert.equal(await after.closed(), 'end');
  assert.equal((await server.ended).code, 3);
  assert.match(server.output(), /aborted ERR_LASTCALL_DEADLINE/);
  assert.match(server.output(), /expired 2, lost 0/);
});

test('a stream that is told at the deadline can send its final event', async () => {
  await using server = await startServer('server.ts', { env: { GRACE_MS: '300' } });
  const client = await RawClient.open(server.port);
  client.get('/polite');
  client.socket.once('data', () => server.signal('SIGTERM'));
  const answer = await client.answer();
  assert.match(answer?.body.toString() ?? '', /data: begun\n\ndata: final\n\n$/);
  assert.equal((await server.ended).code, 3);
});

test('a close hook that fails: exit code 1, the others ran', async () => {
  await using server = await startServer('server.ts', { env: { FAIL_CLOSE: '1' } });
  server.signal('SIGTERM');
  assert.equal((await server.ended).code, 1);
  assert.match(server.output(), /close fails: close failed/);
});

test('a close hook that hangs does not pass the end: exit code 1', async () => {
  await using server = await startServer('server.ts', {
    env: { HANG_CLOSE: '1', GRACE_MS: '300', FORCE_MS: '300' },
  });
  server.signal('SIGTERM');
  const { code }: Ended = await server.ended;
  assert.equal(code, 1);
  assert.match(server.output(), /close hook hangs had not ended/);
});

test('a fatal error when nobody reads the output any more still ends the process', async () => {
  await using server = await startServer();
  server.child.stdout?.destroy();
  server.child.stderr?.destroy();
  const gone = once(server.child, 'exit');
  server.child.send('throw');
  const [code] = await gone;
  assert.equal(code, 1);
});

async function onlyChild(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim());
}
