import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { lastcall } from './support/command.ts';
import { APP, NodeUnderTest } from './support/node.ts';

const cwd = mkdtempSync(join(tmpdir(), 'lastcall-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

const config = (text: string): string[] => {
  const path = join(cwd, 'given.yaml');
  writeFileSync(path, text);
  return ['serve', '--config', 'given.yaml', APP];
};

for (const [what, args, code, message] of [
  ['nothing to serve', () => ['serve'], 2, /Nothing to serve/],
  ['a missing entry', () => ['serve', 'none.js'], 2, /entry none\.js does not exist/],
  [
    'a missing program',
    () => ['serve', '--', 'no-such-program'],
    2,
    /no-such-program was not found on the PATH/,
  ],
  [
    'a flag that is wrong',
    () => ['serve', '--workers', 'two', APP],
    2,
    /--workers: expected a whole number from 1 to 1024, or auto, got "two"/,
  ],
  [
    'a flag that does not exist',
    () => ['serve', '--worker', '2', APP],
    2,
    /Did you mean --workers\?/,
  ],
  [
    'an unknown key',
    () => config('workers: 2\nworkrs: 3\n'),
    2,
    /given\.yaml:2:1: there is no option workrs\. Did you mean workers\?/,
  ],
  [
    'a wrong value',
    () => config('startMs: soon\n'),
    2,
    /given\.yaml:1:1: startMs: expected a duration such as 30s, 5m or 250ms, got "soon"/,
  ],
  ['broken YAML', () => config('workers: [1\n'), 2, /given\.yaml/],
  [
    'a configuration file that is not there',
    () => ['serve', '--config', 'no.yaml', APP],
    2,
    /no\.yaml: cannot be read/,
  ],
  [
    'an address that is none',
    () => ['serve', '--listen', 'localhost:http', APP],
    2,
    /listen: expected HOST:PORT/,
  ],
  [
    'an address of another machine',
    () => ['serve', '--listen', '192.0.2.1:0', APP],
    2,
    /this machine has no such address/,
  ],
  [
    'a log file that cannot be opened',
    () => ['serve', '--log-file', '/proc/none/log', APP],
    2,
    /logFile: cannot open/,
  ],
  [
    'a signal that does not exist',
    () => ['serve', '--stop-signal', 'SIGNONE', APP],
    2,
    /expected a signal such as SIGTERM/,
  ],
] as const)
  it(`says what is wrong with ${what}, and ends with code ${code}`, async () => {
    const ran = await lastcall([...args()], { cwd });
    assert.match(ran.stderr, message);
    assert.equal(ran.code, code);
  });

it('a port in use: which one, and what to do', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const ran = await lastcall(['serve', '--port', String(port), APP], { cwd });
  other.close();
  assert.match(
    ran.stderr,
    new RegExp(`cannot bind 127.0.0.1:${port}: another process listens there`),
  );
  assert.equal(ran.code, 2);
});

it('an admin port in use: the node ends, and says which one', { timeout: 60_000 }, async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const ran = await lastcall(['serve', '--admin', `127.0.0.1:${port}`, APP], { cwd });
  other.close();
  assert.match(ran.stderr, new RegExp(`admin: cannot listen on 127.0.0.1:${port}: .*EADDRINUSE`));
  assert.equal(ran.code, 2);
  const status = await lastcall(['status'], { cwd });
  assert.match(status.stderr, /there is no such socket/);
});

it('a syntax error in the entry: code 5, with the error', async () => {
  const entry = join(cwd, 'broken.mjs');
  writeFileSync(entry, 'const = 1;\n');
  const ran = await lastcall(['serve', entry], { cwd });
  assert.match(ran.stdout, /boot failed: w\d exited with code 1: .*SyntaxError/);
  assert.equal(ran.code, 5);
});

it('a command to a supervisor that is gone, and one to a second supervisor in the same place', async () => {
  const gone = await lastcall(['status'], { cwd });
  assert.match(gone.stderr, /No supervisor answers on .*control\.sock: there is no such socket/);
  assert.equal(gone.code, 1);
  await using node = await NodeUnderTest.start();
  const second = await lastcall(['serve', APP], { cwd: node.dir });
  assert.match(second.stderr, /A supervisor \(pid \d+\) already answers/);
  assert.equal(second.code, 2);
  const bad = await lastcall(['scale', '0'], { cwd: node.dir });
  assert.match(bad.stderr, /workers.*Expected a whole number from 1 to 1024, got 0/);
  assert.equal(bad.code, 2);
  node.signal('SIGKILL');
  await node.exited;
  const refused = await lastcall(['status'], { cwd: node.dir });
  assert.match(refused.stderr, /the supervisor that made it has gone/);
  assert.equal(refused.code, 1);
});

it('a supervisor that was killed leaves nothing in the way of the next one', async () => {
  const args = ['--pid-file', 'pid', '--listen', 'unix:app.sock'];
  const first = await NodeUnderTest.start({ args });
  first.signal('SIGKILL');
  await first.exited;
  await using second = await NodeUnderTest.start({ args, dir: first.dir });
  assert.equal((await second.status()).state, 'ready');
  await first[Symbol.asyncDispose]();
});
