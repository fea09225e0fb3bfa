// Paths that cannot be looked at, outputs that cannot be written, flags that do not go together.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../../scripts/ports.ts';
import { APP, CLI, NODE } from '../../supervisor/test/support/node.ts';
import { ended, lastcall } from './support/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'lastcall-wrong-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
symlinkSync(at('loop'), at('loop'));
writeFileSync(at('file'), '');
writeFileSync(at('huge.conf'), '');
truncateSync(at('huge.conf'), 2 ** 29 + 2 ** 20);
writeFileSync(at('durations.csv'), 'ms\n10\n20\n');

const csv = ['plan', '--csv', at('durations.csv'), '--rate', '1'];
const uses: [number, RegExp, ...string[]][] = [
  [1, /No supervisor answers on .*loop: .*ELOOP/, 'status', '--control', at('loop')],
  [1, /No supervisor answers on .*ELOOP/, 'watch', '--control', at('loop/control.sock')],
  [2, /--dir: expected a folder .* got .*loop/, 'stops', '--dir', at('loop')],
  [2, /huge\.conf cannot be read: .*string longer/, 'pod', 'check', at('huge.conf')],
  [
    2,
    /logFile: cannot open .*file\/x\/log/,
    'serve',
    '--daemon',
    '--log-file',
    at('file/x/log'),
    APP,
  ],
  [2, /a Node entry .* or .*-- COMMAND.*, got both/, 'serve', APP, '--', 'true'],
  [2, /--kind goes with --node/, ...csv, '--kind', 'stream'],
  [2, /--kind goes with --node/, 'plan', '--prometheus', 'http://127.0.0.1:1', '--kind', 'stream'],
  [2, /--matchers goes with --prometheus/, ...csv, '--matchers', 'job="api"'],
  [2, /--window goes with --prometheus/, 'plan', '--node', 'http://127.0.0.1:1', '--window', '2d'],
  [2, /--svg: .* cannot be written/, 'plan', '--csv', at('none.csv'), '--svg', at('file/plot.svg')],
  [2, /whole number from 1 to \d+, got 2\.5/, ...csv, '--nodes', '2.5'],
  [2, /whole number from 0 to \d+, got 4294967296/, ...csv, '--seed', '4294967296'],
  [2, /between 0 and 1, .* got 1\b/, 'plan', '--csv', at('none.csv'), '--share', '1'],
];
for (const [wanted, told, ...args] of uses)
  test(args.join(' ').replaceAll(folder, ''), async () => {
    const { code, out, err } = await lastcall(...args);
    assert.match(err, told);
    assert.deepEqual([code, out], [wanted, '']);
    assert.doesNotMatch(err, /\n {4}at /);
  });

test('an error that nobody reads leaves the exit code as it is', async () => {
  const child = spawn(NODE, [CLI, 'scale', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.destroy();
  assert.deepEqual(await once(child, 'exit'), [2, null]);
});

test('a full disk for both outputs does not end what is under way', async (t) => {
  const port = await freePort();
  const node = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
  await once(node, 'listening');
  t.after(() => node.close());
  const server = `127.0.0.1:${(node.address() as AddressInfo).port}`;
  writeFileSync(at('upstream.conf'), `upstream app { server ${server}; }\n`);
  writeFileSync(
    at('edge.yaml'),
    `upstream: app\nnginx: { config: upstream.conf }\nnodes: [{ server: '${server}' }]\n`,
  );
  const full = openSync('/dev/full', 'w');
  const args = ['node', 'watch', '--nodes', at('edge.yaml'), '--metrics', String(port)];
  const watch = spawn(NODE, [CLI, ...args], { stdio: ['ignore', full, full] });
  closeSync(full);
  t.after(() => watch.kill('SIGKILL'));
  const end = once(watch, 'exit');
  const asked = await Promise.race([answers(port), end.then(() => 'it ended')]);
  assert.equal(asked, 200);
  watch.kill('SIGTERM');
  assert.deepEqual(await end, [1, null], 'what could not be written is told by the exit code');
});

/** The status of /metrics, as soon as somebody answers. */
async function answers(port: number): Promise<number> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
    if (answer) return answer.status;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('a variable that is empty is one that is not set', async () => {
  const env = { ...process.env, LASTCALL_CONTROL: '', LASTCALL_RECORD_DIR: '', LASTCALL_NODES: '' };
  const cwd = at('empty');
  mkdirSync(cwd);
  const run = (...args: string[]) =>
    ended(spawn(NODE, [CLI, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }));
  assert.match((await run('status')).err, /answers on .*\/\.lastcall\/control\.sock: there is no/);
  assert.match((await run('watch')).err, /answers on .*\/\.lastcall\/control\.sock: there is no/);
  assert.equal((await run('stops')).out, 'No stop is recorded in .lastcall.\n');
  assert.match((await run('node', 'status')).err, /^lastcall: .*edge\.yaml/);
});

test('plan --json says what was read, and how much of it was not understood', async () => {
  writeFileSync(at('mixed.csv'), 'ms\n100\nbroken\n100\n');
  const { code, out } = await lastcall('plan', '--csv', at('mixed.csv'), '--rate', '1', '--json');
  assert.equal(code, 0);
  const { durations } = JSON.parse(out) as { durations: Record<string, number | string> };
  const { source, read, skipped, meanMs } = durations;
  assert.deepEqual([source, read, skipped], [at('mixed.csv'), 2, 1]);
  assert.ok(Math.abs(Number(meanMs) - 100) < 3);
});
