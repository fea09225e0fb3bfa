// The drill's own end of a connection: what it does must end it, and what it sees must be the newest.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Account } from '../src/engine/account.ts';
import { late, within } from '../src/engine/clock.ts';
import { Connection } from '../src/engine/connection.ts';
import { Timeline } from '../src/engine/timeline.ts';

const folder = mkdtempSync(join(tmpdir(), 'drill-connection-'));
after(() => rmSync(folder, { recursive: true }));

const source = (name: string): string => new URL(`../src/engine/${name}`, import.meta.url).href;

/** Runs a module in a process of its own, which is killed when it has not ended by itself. */
async function endOf(code: string): Promise<number | NodeJS.Signals | typeof late> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exited = once(child, 'exit').then(([status, signal]) => (status ?? signal) as number);
  const end = await within(exited, 20_000);
  if (end === late) child.kill('SIGKILL');
  return end;
}

test('a connection that is reset while its FIN is on its way closes, and the process ends', async () => {
  const end = await endOf(`
    import { createServer } from 'node:net';
    import { Account } from '${source('account.ts')}';
    import { Connection } from '${source('connection.ts')}';
    import { Timeline } from '${source('timeline.ts')}';
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}));
    server.listen(0, '127.0.0.1', async () => {
      const { port } = server.address();
      const options = { host: '127.0.0.1', port };
      const connection = await Connection.open(options, new Account(), new Timeline());
      connection.write('x');
      connection.finish();
      connection.reset();
      await connection.closed;
      server.close();
    });`);
  assert.equal(end, 0);
});

test('a connection whose end came while the drill was held up is not open', async () => {
  const ended = join(folder, 'ended');
  const server = spawn(process.execPath, [
    '-e',
    `const server = require('net').createServer((socket) => {
      socket.on('error', () => {}).resume().end(() => require('fs').writeFileSync('${ended}', ''));
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));`,
  ]);
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer];
    const options = { host: '127.0.0.1', port: Number(port) };
    const opening = Connection.open(options, new Account(), new Timeline());
    await new Promise((resolve) => process.nextTick(resolve));
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let waits = 0; !existsSync(ended) && waits < 2000; waits += 1)
      Atomics.wait(pause, 0, 0, 10);
    const connection = await opening;
    assert.equal(connection.open, false);
    connection.destroy();
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
});
