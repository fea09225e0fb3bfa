// A control path that is not a supervisor's is left alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lastcall } from './support/command.ts';
import { APP } from './support/node.ts';

const folder = mkdtempSync(join(tmpdir(), 'lastcall-taken-'));
after(() => rmSync(folder, { recursive: true }));

test('a file is not replaced by the control socket', async () => {
  const path = join(folder, 'notes.txt');
  writeFileSync(path, 'mine');
  const { code, stderr } = await lastcall(['serve', '--port', '0', '--control', path, APP], {
    cwd: folder,
  });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /control: not free\. .*notes\.txt: that is no socket/);
  assert.equal(readFileSync(path, 'utf8'), 'mine');
});

for (const [what, answer, message] of [
  ['another program', 'HTTP/1.1 400 Bad Request\r\n', /control: not free\. .* is no supervisor/],
  ['one that says nothing', '', /has not answered for 5 s/],
] as const)
  test(`the socket of ${what} is not replaced`, async (t) => {
    const path = join(folder, what.replaceAll(' ', '-'));
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      if (answer !== '') socket.end(answer);
    }).listen(path);
    await once(server, 'listening');
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { ino } = statSync(path);
    const { code, stderr } = await lastcall(['serve', '--port', '0', '--control', path, APP], {
      cwd: folder,
    });
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.equal(statSync(path).ino, ino);
  });
