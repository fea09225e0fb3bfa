import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { freePorts } from '../../../scripts/ports.ts';
import { NodeUnderTest, request } from './support/node.ts';
import { poll } from './support/poll.ts';

const OWN_WAYS = new URL('./fixtures/own-ways.ts', import.meta.url).pathname;

it('workers that serve no port are ready when they say so, and stop in order', async () => {
  await using node = await NodeUnderTest.start({ target: [OWN_WAYS] });
  await node.ask('reload');
  assert.equal((await node.status()).generation, 2);
  await node.ask('stop');
  assert.equal(await node.exited, 0);
  await node.closed;
  assert.equal(node.output.match(/service stopped after .*; exit 0/g)?.length, 4);
});

it('a worker that ends its own service in order is replaced, and is no crash', async () => {
  await using node = await NodeUnderTest.start({ target: [OWN_WAYS] });
  const bothServe = (): Promise<void> =>
    poll(async () => {
      const { workers } = await node.status();
      return workers.filter(({ phase }) => phase === 'serving').length === 2;
    });
  for (let round = 1; round <= 3; round += 1) {
    await bothServe();
    const [first] = (await node.status()).workers;
    process.kill(first!.pid, 'SIGUSR2');
    await node.line(/stops by itself: recycled after 3 jobs/, round);
  }
  await bothServe();
  const { restarts, state } = await node.status();
  assert.deepEqual([restarts.crash, state], [0, 'ready']);
});

it('an admin listener of a worker leaves the socket of the service alone', async () => {
  const [admin = 0] = await freePorts(1);
  await using node = await NodeUnderTest.start({
    target: [OWN_WAYS],
    env: { APP_ADMIN: String(admin) },
  });
  assert.equal((await node.get('/')).body, 'hello\n');
  await node.line(
    new RegExp(`The admin listener of this worker is on port \\d+ and not on ${admin}`),
    2,
  );
});

it('an admin listener that the supervisor holds is shared by the workers', async () => {
  const [service = 0, admin = 0] = await freePorts(2);
  await using node = await NodeUnderTest.start({
    target: [OWN_WAYS],
    args: ['--listen', `127.0.0.1:${service}`, '--listen', `127.0.0.1:${admin}`],
    env: { APP_ADMIN: String(admin), PORT: String(service) },
  });
  const get = (port: number, path: string): ReturnType<typeof request> =>
    request({ host: '127.0.0.1', port, path, agent: false });
  assert.equal((await get(service, '/')).body, 'hello\n');
  assert.equal((await get(admin, '/')).status, 404);
  await poll(async () => (await node.status()).workers.every(({ phase }) => phase === 'serving'));
  assert.match((await get(admin, '/metrics')).body, /^lastcall_workers\{phase="serving"\} 2$/m);
});

it('kills recorded before the node was started are counted once, later ones as they happen', async (t) => {
  const records = mkdtempSync(join(tmpdir(), 'lastcall-record-'));
  t.after(() => rmSync(records, { recursive: true }));
  writeFileSync(join(records, 'service-4194000.json'), '{"name":"serv');
  await using node = await NodeUnderTest.start({ env: { LASTCALL_RECORD_DIR: records } });
  const counted = async (): Promise<number> =>
    Number(/^forced_kill_count (\d+)$/m.exec((await node.get('/metrics')).body)?.[1]);
  assert.equal(await counted(), 1);
  await node.ask('reload');
  await poll(async () => (await node.status()).workers.length === 2);
  assert.equal(await counted(), 1);
  const [first] = (await node.status()).workers;
  process.kill(first!.pid, 'SIGKILL');
  await poll(async () => (await node.status()).workers.every(({ pid }) => pid !== first!.pid));
  await poll(async () => (await counted()) === 2);
  await node.ask('upgrade');
  await node.exited;
  assert.equal(await counted(), 2);
  await node.ask('stop');
});
