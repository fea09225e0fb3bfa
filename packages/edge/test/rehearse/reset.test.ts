import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const source = new URL('../../src/rehearse/reset.ts', import.meta.url).href;

/** Node's own end for a socket that is cut in this state, in a process of its own: it may never come. */
async function cut(state: 'open' | 'ending' | 'ended'): Promise<unknown> {
  const code = `
    import { connect, createServer } from 'node:net';
    import { once } from 'node:events';
    import { reset } from '${source}';
    const server = createServer({ allowHalfOpen: true }, (peer) => peer.on('error', () => {}).resume());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    socket.on('error', () => {});
    if ('${state}' !== 'open') socket.end('x');
    if ('${state}' === 'ended') await once(socket, 'finish');
    reset(socket);
    await once(socket, 'close');
    server.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  // The limit of the defect, which is an endless loop, and not of the machine.
  const limit = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [status, signal] = (await once(child, 'exit')) as unknown[];
  clearTimeout(limit);
  return status ?? signal;
}

for (const state of ['open', 'ending', 'ended'] as const)
  test(`a connection that is cut while it is ${state} closes, and the process ends`, async () => {
    assert.equal(await cut(state), 0);
  });
