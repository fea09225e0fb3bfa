import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const LINE =
  '1.2.3.4 - - [20/Nov/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl/7.88.1" 0.100\n';

/** Reads its standard input as `kind` and prints what came out, with its own peak of memory. */
const READER = `
const { readAccessLog, readCsv } = await import('@lastcall/planner');
let [bytes, calls] = [0, 0];
const seen = (progress) => { bytes = progress.bytes; calls += 1; };
const read = process.argv[1] === 'csv' ? readCsv : readAccessLog;
const { read: count, skipped } = await read('-', seen);
const { maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ count, skipped, bytes, calls, maxRssBytes: maxRSS * 1024 }));
`;

interface Seen {
  count: number;
  skipped: number;
  bytes: number;
  calls: number;
  maxRssBytes: number;
}

/** Writes the pieces into a reader in a process of its own, as fast as it reads. */
async function piped(kind: 'log' | 'csv', pieces: Iterable<string | Buffer>): Promise<Seen> {
  const args = ['--input-type=module', '-e', READER, kind];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  const closed = once(child, 'close');
  for (const piece of pieces) if (!child.stdin.write(piece)) await once(child.stdin, 'drain');
  child.stdin.end();
  const [code] = (await closed) as [number];
  assert.equal(code, 0);
  return JSON.parse(out) as Seen;
}

function* times<T>(count: number, value: T): Generator<T> {
  for (let i = 0; i < count; i += 1) yield value;
}

test('a pipe of any length is read in constant memory; broken lines are counted, how far it is is told', async () => {
  const block = Buffer.from(`${LINE.repeat(999)}broken \u0000\u0001 line\n`.repeat(10));
  const small = await piped('log', times(10, block));
  const large = await piped('log', times(250, block));
  assert.deepEqual([large.count, large.skipped], [250 * 9_990, 250 * 10]);
  assert.equal(large.bytes, 250 * block.length);
  assert.ok(large.calls > 10);
  const grown = (large.maxRssBytes - small.maxRssBytes) / 2 ** 20;
  assert.ok(grown < 48, `240 MB more took ${grown.toFixed(0)} MB more of memory`);
});

test('a line without an end is skipped in constant memory, and what comes after it is read', async () => {
  const endless = Buffer.alloc(1 << 20, 'x');
  const { count, skipped, maxRssBytes } = await piped('log', [
    LINE,
    ...times(300, endless),
    '\n',
    LINE,
    LINE.trimEnd(),
  ]);
  assert.deepEqual([count, skipped], [3, 1]);
  assert.ok(maxRssBytes < 250 * 2 ** 20, `${maxRssBytes}`);
});

test('lines are the same wherever a chunk ends; a mark at the beginning and CR LF are no part of them', async () => {
  const text = '\uFEFFtimestamp,route,duration_ms\r\n10,/é,100\r\n11,/ü,200\r\nbroken\r\n12,/c,300';
  const whole = await piped('csv', [text]);
  const bytes = Buffer.from(text);
  const single = await piped(
    'csv',
    Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
  );
  assert.deepEqual([whole.count, whole.skipped], [3, 1]);
  assert.deepEqual([single.count, single.skipped], [3, 1]);
});
