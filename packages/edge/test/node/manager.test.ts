import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import type { NodeEntry } from '../../src/node/inventory.ts';
import { managerOf } from '../../src/node/manager.ts';
import { folder } from '../support/place.ts';

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

test('a node has gone only where that is certain', async (t) => {
  const gone = (entry: Partial<NodeEntry>): Promise<string | undefined> =>
    managerOf({ server: 'a', tokenEnv: 'NONE', ...entry }).gone();
  const dir = folder(t);
  assert.equal(await gone({ pid: process.pid }), undefined);
  assert.equal(await gone({ pidFile: join(dir, 'none') }), `${dir}/none holds no pid`);
  assert.equal(await gone({ control: join(dir, 'c') }), `no supervisor answers on ${dir}/c`);
  const server = createServer((_request, response) => response.writeHead(500).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const admin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  assert.equal(await gone({ admin }), undefined);
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  assert.equal(await gone({ admin }), `nothing listens on ${admin}`);
  assert.equal(await gone({ admin, pid: process.pid }), undefined, 'the process is the witness');
  // A supervisor of which nothing is known but that it is there.
  const silent = createSocket((socket) => socket.end());
  await new Promise<void>((resolve) => silent.listen(join(dir, 's'), resolve));
  t.after(() => silent.close());
  assert.equal(await gone({ control: join(dir, 's') }), undefined);
});

test('each call has a connection of its own: an idle one may be closed as the next call is sent', async (t) => {
  const known = new Set<Socket>();
  const server = createServer(({ socket }, response) => {
    if (known.has(socket)) return socket.destroy();
    known.add(socket);
    return response.end('{"status":"draining"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const admin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const manager = managerOf({ server: 'a', tokenEnv: 'NONE', admin });
  await manager.check();
  await manager.stop();
  assert.match((await manager.exited(10_000))?.told ?? '', /drain draining/);
});
