import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI, NODE, NodeUnderTest } from '../../supervisor/test/support/node.ts';
import { hasTerminal, Terminal, type TerminalOptions } from './support/terminal.ts';

const watching = ({ control }: NodeUnderTest, options?: TerminalOptions): Terminal =>
  new Terminal(`'${NODE}' '${CLI}' watch --control '${control}'`, options);

/** A node that knows from before that requests take one to three minutes. */
function experienced(): Promise<NodeUnderTest> {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-'));
  const weights = [128, 130, 132, 134, 138].map((bucket) => [bucket, 100]);
  const kinds = { request: { all: { count: 500, weights }, labels: {} } };
  writeFileSync(join(dir, 'service.durations.json'), JSON.stringify({ version: 1, kinds }));
  return NodeUnderTest.start({
    dir,
    env: { LASTCALL_RECORD_DIR: dir, LASTCALL_GRACE_MS: '60000' },
  });
}

/** A request that is in flight until the test says so. */
class Upload {
  readonly #request: ClientRequest;
  readonly #status: Promise<number>;

  constructor(port: number) {
    this.#request = request({ host: '127.0.0.1', port, path: '/upload', method: 'POST' });
    this.#request.write('a beginning');
    this.#status = once(this.#request, 'response').then(([response]) => {
      (response as IncomingMessage).resume();
      return (response as IncomingMessage).statusCode ?? 0;
    });
  }

  finish(): Promise<number> {
    this.#request.end(' and an end');
    return this.#status;
  }
}

/** As it was before: the first screen, its cursor, and keys that are echoed and read by lines. */
async function expectRestored(terminal: Terminal): Promise<void> {
  const screen = await terminal.shows(/^ended 0$/m, /icanon/, /echo/);
  assert.match(screen, /^before$/m, 'the first screen is back');
  assert.match(screen, /^icanon$/m);
  assert.match(screen, /^echo$/m);
  assert.deepEqual([terminal.fact('alternate_on'), terminal.fact('cursor_flag')], ['0', '1']);
}

test('a drain is watched on a terminal, from ready to drained and back', async (t) => {
  if (!hasTerminal()) return t.skip('there is no tmux');
  await using node = await experienced();
  await using terminal = watching(node);
  await terminal.shows(/lastcall · ready · generation 1/, /generation 1 {2}serving 2/);
  assert.equal(terminal.fact('alternate_on'), '1');
  const uploads = Array.from({ length: 6 }, () => new Upload(node.port));
  await terminal.shows(/in flight 6 · the last ends in about/, /^request 6, the oldest first/m);
  await node.ask('drain');
  await terminal.shows(
    /lastcall · draining/,
    /cut off in \d/,
    /├━.*┤ .* of 60 s 5: p50 .* s, 9: p90/,
    /then where it is expected to go/,
    /[▁▂▃▄▅▆▇█]░/,
    /│ w1 +draining · \d in flight · \d+ s · \d+ MB · pid \d+/,
    /w\d +[\d.]+ s old · too late, still about \d+ s, 90 % within \d+ s/,
  );
  assert.equal((await node.get('/slow?ms=1')).status, 503);
  await terminal.shows(/refused 1 · late arrivals 1/);
  assert.ok(terminal.screen(true).includes('\u001B[33mdraining'), 'in colour');
  for (const upload of uploads) assert.equal(await upload.finish(), 200);
  await terminal.shows(/in flight 0 · nothing in flight/, /completed 6/, /┏━┓ {2}in flight/);
  await node.ask('resume');
  await terminal.shows(
    /lastcall · ready/,
    /past stops\n +\d\d:\d\d:\d\d w\d +lastcall drain · undone/,
  );
  terminal.resize(60, 15);
  const small = await terminal.shows(/^q quits$/m);
  assert.ok(small.trimEnd().split('\n').length <= 15, small);
  terminal.keys('q');
  await expectRestored(terminal);
});

test('without colours when none are wanted; Ctrl-C ends it', async (t) => {
  if (!hasTerminal()) return t.skip('there is no tmux');
  await using node = await NodeUnderTest.start();
  await using terminal = watching(node, { env: { NO_COLOR: '1' } });
  const stream = node.get('/stream?events=1000').catch(() => 'cut');
  await terminal.shows(
    /^stream 1, the oldest first/m,
    /w\d +[\d.]+ s old · still unknown/,
    /no estimate: only 0 of 20 measured durations of kind stream/,
  );
  assert.ok(!terminal.screen(true).includes('\u001B['), 'NO_COLOR is obeyed');
  terminal.keys('C-c');
  await expectRestored(terminal);
  await node[Symbol.asyncDispose]();
  await stream;
});

test('the screen goes on over an upgrade of the supervisor, and over a new start', async (t) => {
  if (!hasTerminal()) return t.skip('there is no tmux');
  await using node = await NodeUnderTest.start();
  await using terminal = watching(node);
  await terminal.shows(/ready · generation 1/);
  await node.ask('upgrade');
  await terminal.shows(/ready · generation 2/);
  await node.ask('stop');
  await terminal.shows(
    /NO ANSWER/,
    /Trying again: (No supervisor answers on|The supervisor ended before|The node has stopped)/,
  );
  await using again = new NodeUnderTest({ dir: node.dir });
  await again.line(/\[supervisor\] ready: /);
  await terminal.shows(/ready · generation 1/);
  terminal.keys('q');
  await expectRestored(terminal);
});

interface Watch {
  child: ChildProcess;
  out: () => string;
  shows(pattern: RegExp): Promise<void>;
  ended: Promise<number | null>;
}

/** `lastcall watch` with its output in a pipe. */
function piped({ control }: NodeUnderTest, ...args: string[]): Watch {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(NODE, [CLI, 'watch', '--control', control, ...args], { stdio: [...stdio] });
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    ended,
    out: () => out,
    async shows(pattern) {
      while (!pattern.test(out)) await once(child.stdout, 'data');
    },
  };
}

test('piped, it is a line for each change, over a stop and a new start, until it is interrupted', async () => {
  await using node = await NodeUnderTest.start();
  const watch = piped(node);
  await watch.shows(/Z ready, in flight 0, workers 2, retiring 0, generation 1, lost 0/);
  const upload = new Upload(node.port);
  await watch.shows(/in flight 1 \(request 1\)/);
  await node.ask('drain');
  await watch.shows(/draining, in flight 1 .*, cut off in \d+ s\n/);
  assert.equal(await upload.finish(), 200);
  await node.ask('stop');
  await watch.shows(
    / gone: (No supervisor answers|The supervisor ended before|The node has stopped)/,
  );
  await using again = new NodeUnderTest({ dir: node.dir });
  await watch.shows(/gone: [^]*Z ready, in flight 0/);
  watch.child.kill('SIGINT');
  assert.equal(await watch.ended, 0);
  assert.ok(!watch.out().includes('\u001B'), 'no marks in plain lines');
  const lines = watch.out().trimEnd().split('\n');
  assert.ok(lines.every((line, i) => i === 0 || line.slice(24) !== lines[i - 1]!.slice(24)));
  again.signal('SIGTERM');
  await again.exited;
});

test('--json is a line of JSON for each look', async () => {
  await using node = await NodeUnderTest.start();
  const watch = piped(node, '--json');
  await watch.shows(/\n.*\n/);
  watch.child.kill('SIGTERM');
  assert.equal(await watch.ended, 0);
  const [first] = watch
    .out()
    .split('\n')
    .map((line) => (line === '' ? {} : (JSON.parse(line) as Record<string, unknown>)));
  const { at, state, generation, outcomes, work, stops } = first!;
  assert.ok(!Number.isNaN(Date.parse(String(at))));
  assert.deepEqual([state, generation, work, stops], ['ready', 1, [], []]);
  assert.equal((outcomes as Record<string, number>).lost, 0);
});

test('a reader that goes ends it', async () => {
  await using node = await NodeUnderTest.start();
  const watch = piped(node, '--json');
  await watch.shows(/\n/);
  watch.child.stdout?.destroy();
  assert.equal(await watch.ended, 0);
});
