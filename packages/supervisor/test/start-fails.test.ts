// What spawn throws instead of emitting (E2BIG, a NUL in a value) fails the reload, never the supervisor.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { lastcall } from './support/command.ts';
import { APP, NodeUnderTest } from './support/node.ts';

const PROGRAM = new URL('fixtures/foreign.py', import.meta.url).pathname;
/** One value may have 128 KiB (MAX_ARG_STRLEN). */
const big = `env:\n  BIG: ${'x'.repeat(200 * 1024)}\n`;
const nul = 'env:\n  ODD: "a\\0b"\n';

for (const [what, config, why, target] of [
  ['a value that is too long', big, /E2BIG/, [APP]],
  ['a value with a NUL', nul, /null bytes/, [APP]],
  ['a value that is too long for another program', big, /E2BIG/, ['--', 'python3', PROGRAM]],
] as const)
  it(`a reload to ${what} is refused, and all goes on`, async () => {
    await using node = await NodeUnderTest.start({ config: '', target: [...target] });
    const before = await node.status();
    writeFileSync(join(node.dir, 'lastcall.yaml'), config);
    await assert.rejects(node.ask('reload'), why);
    const after = await node.status();
    assert.equal(after.pid, before.pid);
    assert.match(after.last_reload?.message ?? '', why);
    assert.deepEqual(
      after.workers.map(({ pid }) => pid),
      before.workers.map(({ pid }) => pid),
    );
    assert.equal((await node.get('/')).status, 200);
    node.signal('SIGTERM');
    assert.equal(await node.exited, 0);
  });

it('a node whose first workers cannot be started ends with code 5 and says why', async () => {
  await using node = new NodeUnderTest({ config: big });
  assert.equal(await node.exited, 5);
  await node.closed;
  assert.match(node.output, /boot failed: w1 spawn E2BIG/);
  const { code } = await lastcall(['status'], { cwd: node.dir });
  assert.notEqual(code, 0);
});
