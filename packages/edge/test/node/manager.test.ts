import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import type { NodeEntry } from '../../src/node/inventory.ts';
import { managerOf } from '../../src/node/manager.ts';

test('a signal cannot be taken back: not from a process that runs, nor from one that has gone', async () => {
  const program = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    stdio: 'ignore',
  });
  const exit = once(program, 'exit');
  try {
    await once(program, 'spawn');
    const manager = managerOf({ server: '127.0.0.1:1', pid: program.pid } as NodeEntry);
    await manager.check();
    assert.equal(await manager.undo(), false);
    await manager.stop();
    await exit;
    assert.match((await manager.exited(10_000))?.told ?? '', /has ended/);
    assert.equal(await manager.undo(), false);
    await assert.rejects(manager.stop(), { code: 'ERR_EDGE_MANAGER' });
  } finally {
    program.kill('SIGKILL');
    await exit;
  }
});
