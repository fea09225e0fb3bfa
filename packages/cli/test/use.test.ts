// The command as people use it: its help, and what it says when it is used wrongly.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CLI, NODE, NodeUnderTest } from '../../supervisor/test/support/node.ts';
import { ended, lastcall, start } from './support/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'lastcall-use-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
mkdirSync(at('folder'));
writeFileSync(at('broken.yaml'), 'workers: [\n');
writeFileSync(at('binary.yaml'), 'name: \u001b[31m\u0007"');
writeFileSync(at('durations.csv'), 'ms\n10\n20\n');

const verbsOf = (help: string): string[] =>
  [...help.matchAll(/^ {2}([a-z-]+)(?= (?:\[options\]|<|\[| {2}))/gm)]
    .map(([, verb = '']) => verb)
    .filter((verb) => verb !== 'help');

test('the help names every verb, and that of every verb has an example', async () => {
  const { code, out } = await lastcall('--help');
  assert.equal(code, 0);
  const verbs = verbsOf(out);
  assert.equal(verbs.length, 16, verbs.join());
  await Promise.all(
    verbs.map(async (verb) => {
      const help = await lastcall(verb, '--help');
      assert.equal(help.code, 0);
      const children = verbsOf(help.out.split('Commands:')[1] ?? '');
      const own = await Promise.all(children.map((child) => lastcall(verb, child, '--help')));
      const all = [help, ...own].map(({ out: text }) => text).join('');
      assert.match(all, new RegExp(`Examples?.*:\n {2}\\$ lastcall ${verb}`), verb);
      // Inside durations are milliseconds; a plain number given by a person is seconds.
      assert.doesNotMatch(all, /<TIME>[^<]*\(default:\s+\d+\)/, verb);
    }),
  );
  const version = await lastcall('--version');
  assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
});

test('a wrong use says what and where in one line, and ends with 2', async (t) => {
  const uses: [RegExp, ...string[]][] = [
    [/unknown command 'sevre'[^]*Did you mean serve/, 'sevre'],
    [/unknown command 'dran'[^]*Did you mean drain/, 'node', 'dran'],
    [/Nothing to serve/, 'serve', '--'],
    [/broken\.yaml:2:1: .*\n$/, 'serve', '--config', at('broken.yaml')],
    [/binary\.yaml:1:\d+: /, 'serve', '--config', at('binary.yaml')],
    [/number from 1 to 1024, got 0/, 'scale', '0'],
    [/Allowed choices are nginx, haproxy/, 'node', 'edge-config', 'apache', '--server', 'a:1'],
    [/Expected HOST:PORT .* got a\b/, 'node', 'edge-config', 'nginx', '--server', 'a'],
    [/number from 0 to 65535, got 99999/, 'node', 'watch', '--metrics', '99999'],
    [/broken\.yaml:2:1: /, 'node', 'status', '--nodes', at('broken.yaml')],
    [/absent cannot be read: ENOENT/, 'pod', 'rehearse', at('absent')],
    [/folder cannot be read: EISDIR/, 'pod', 'rehearse', at('folder')],
    [/such as 10s .* got soon/, 'pod', 'check', '--margin', 'soon', at('absent')],
    [/--dir: expected a folder .* got .*absent/, 'stops', '--dir', at('absent')],
    [/--svg: .* cannot be written/, 'plan', '--csv', at('durations.csv'), '--rate', '1'].concat(
      '--svg',
      at('absent/plot.svg'),
    ) as [never, ...string[]],
    [/--json: cannot write/, 'drill', '--json', at('absent/drill.json'), '--', 'true'],
  ];
  for (const [told, ...args] of uses)
    await t.test(args.join(' ').replaceAll(folder, ''), async () => {
      const { code, out, err } = await lastcall(...args);
      assert.equal(code, 2, err);
      assert.match(err, told);
      assert.doesNotMatch(err, /\n {4}at |[^\P{Cc}\n\t]/u);
      assert.equal(out, '');
    });
});

test('on an old Node.js it says so', async () => {
  const old = 'data:text/javascript,delete Promise.withResolvers';
  const child = spawn(NODE, ['--import', old, CLI, 'status'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { code, err } = await ended(child);
  assert.match(err, /^lastcall: expected Node\.js 22\.18 or later, got .*\n$/);
  assert.equal(code, 2);
});

test('a reader who has had enough ends nothing, and is no error', async () => {
  await using node = await NodeUnderTest.start();
  for (const args of [['--help'], ['logs', '--control', node.control]]) {
    const child = start(...args);
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk));
    const [code] = (await once(child, 'close')) as [number];
    assert.deepEqual([code, err], [0, ''], args.join(' '));
  }
  const following = start('logs', '-f', '--control', node.control);
  await once(following.stdout, 'data');
  following.stdout.destroy();
  const end = once(following, 'close');
  await node.ask('reload');
  assert.deepEqual(await end, [0, null]);
});

test('an output that cannot be written is told', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(NODE, [CLI, 'plan', '--csv', at('durations.csv'), '--rate', '1'], {
    stdio: ['ignore', full, 'pipe'],
  });
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk));
  const [code] = (await once(child, 'close')) as [number];
  assert.match(err, /^lastcall: standard output cannot be written: ENOSPC.*\n$/);
  assert.equal(code, 1);
});
