import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest } from './support/node.ts';
import { poll } from './support/poll.ts';

it('an older supervisor that does not answer for a while still counts as it last did', async () => {
  await using node = await NodeUnderTest.start({ env: { LASTCALL_WORKERS: '1' } });
  for (let i = 0; i < 5; i += 1) await node.get('/');
  const end = join(node.dir, 'end');
  const stream = node.get(`/stream?until=${end}`);
  stream.catch(() => undefined);
  await poll(async () => (await node.status()).in_flight === 1);
  await node.ask('upgrade');
  const completed = async (): Promise<number> =>
    Number(
      /lastcall_work_total\{kind="request",outcome="completed"\} (\d+)/.exec(
        (await node.get('/metrics')).body,
      )?.[1],
    );
  assert.equal((await node.status()).in_flight, 1);
  assert.equal(await completed(), 5);
  node.signal('SIGSTOP');
  assert.equal((await node.status()).in_flight, 1);
  assert.equal(await completed(), 5);
  node.signal('SIGCONT');
  writeFileSync(end, '');
  assert.equal((await stream).status, 200);
  assert.equal(await node.exited, 0);
  await node.ask('stop');
});
