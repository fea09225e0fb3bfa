import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { type NodeSnapshot, send } from '../src/index.ts';
import { lastcall } from './support/command.ts';
import { APP, request } from './support/node.ts';
import { isAlive, poll } from './support/poll.ts';

it('a daemon that is replaced keeps its account and the work that still runs', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'lastcall-'));
  t.after(async () => {
    await lastcall(['stop', '--quick'], { cwd });
    rmSync(cwd, { recursive: true, force: true });
  });
  const serve = ['serve', '--daemon', '--workers', '1', '--prove-ms', '100', APP];
  assert.equal((await lastcall(serve, { cwd })).code, 0);
  const control = join(cwd, '.lastcall/control.sock');
  const look = (): Promise<NodeSnapshot> =>
    send(control, { verb: 'snapshot', args: {} }) as Promise<NodeSnapshot>;
  const log = readFileSync(join(cwd, '.lastcall/lastcall.log'), 'utf8');
  const port = Number(/ready: .* on [^ ]*:(\d+)/.exec(log)?.[1]);
  const get = (path: string): ReturnType<typeof request> =>
    request({ host: '127.0.0.1', port, path, agent: false });
  for (let i = 0; i < 5; i += 1) await get('/');
  const end = join(cwd, 'end');
  const stream = get(`/stream?until=${end}`);
  await poll(async () => {
    const { inFlight, outcomes } = await look();
    return inFlight === 1 && outcomes.completed === 5;
  });
  const before = await look();
  assert.equal((await lastcall(['upgrade'], { cwd })).code, 0);
  const during = await look();
  assert.notEqual(during.pid, before.pid);
  assert.deepEqual([during.inFlight, during.outcomes.completed], [1, 5]);
  writeFileSync(end, '');
  assert.equal((await stream).status, 200);
  await poll(async () => !isAlive(before.pid));
  await poll(async () => (await look()).outcomes.completed === 6);
  assert.equal((await lastcall(['stop'], { cwd })).code, 0);
  await poll(async () => !isAlive(during.pid));
});
