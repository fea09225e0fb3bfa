// What listens on the control socket may be no supervisor, one of another version, or one that hangs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ended, lastcall, start } from './support/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'lastcall-answers-'));
after(() => rmSync(folder, { recursive: true }));

/** Listens as a supervisor would; `answer` is called for each question. */
async function listening(answer: (socket: Socket, question: string) => void) {
  const path = join(folder, crypto.randomUUID().slice(0, 8));
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).once('close', () => open.delete(socket));
    socket.once('data', (data: Buffer) => answer(socket, data.toString()));
  }).listen(path);
  await once(server, 'listening');
  return {
    path,
    open,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

const isOneLine = (err: string): void => assert.match(err, /^lastcall: [^\n]+\n$/);

for (const text of [
  'HTTP/1.1 400 Bad Request\r\n\r\n',
  'null\n',
  '{"ok":false}\n',
  '{"ok":true}\n',
])
  test(`${JSON.stringify(text)} is no answer of a supervisor`, async () => {
    await using other = await listening((socket) => socket.end(text));
    for (const verb of ['status', 'logs', 'watch']) {
      const { code, out, err } = await lastcall(verb, '--control', other.path);
      isOneLine(err);
      assert.match(err, /is no supervisor/);
      assert.deepEqual([code, out], [1, ''], verb);
    }
  });

test('an answer in another form is said to be one; --json shows it', async () => {
  await using other = await listening((socket) => socket.end('{"ok":true,"result":{"pid":7}}\n'));
  for (const verb of ['status', 'workers', 'watch']) {
    const { code, out, err } = await lastcall(verb, '--control', other.path);
    isOneLine(err);
    assert.match(err, /another version/);
    assert.deepEqual([code, out], [1, ''], verb);
  }
  const json = await lastcall('status', '--json', '--control', other.path);
  assert.deepEqual([json.code, JSON.parse(json.out)], [0, { pid: 7 }]);
});

test(
  'a supervisor that accepts and says nothing is told after a while',
  { timeout: 60_000 },
  async (t) => {
    const asked = new Set<string>();
    await using silent = await listening((_, question) => {
      asked.add((JSON.parse(question) as { verb: string }).verb);
    });
    const verbs = [
      'status',
      'workers --json',
      'drain',
      'resume',
      'reload',
      'upgrade',
      'stop --quick',
      'scale 2 --json',
      'logs -f',
      'watch',
      'watch --json',
    ].map((words) => words.split(' '));
    await Promise.all(
      verbs.map(async (verb) => {
        const child = start(...verb, '--control', silent.path);
        t.after(() => child.kill('SIGKILL'));
        const { code, out, err } = await ended(child);
        isOneLine(err);
        assert.match(err, /has not answered for \d+ s/);
        assert.deepEqual([code, out], [1, ''], verb.join(' '));
      }),
    );
    const looks = [...asked].toSorted();
    assert.deepEqual(looks, ['snapshot', 'status', 'workers'], 'nothing was asked to be done');
  },
);

test(
  'watch leaves no question open, and ends at a signal while one is',
  { timeout: 60_000 },
  async (t) => {
    const third = Promise.withResolvers<number>();
    let asked = 0;
    await using silent = await listening((socket) => {
      asked += 1;
      if (asked === 1) socket.end('{"ok":true,"result":{}}\n');
      if (asked === 3) third.resolve(silent.open.size);
    });
    const watch = start('watch', '--json', '--control', silent.path);
    t.after(() => watch.kill('SIGKILL'));
    const end = ended(watch);
    assert.equal(await third.promise, 1, 'the question without an answer was given up');
    watch.kill('SIGTERM');
    const { code, out, err } = await end;
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /"gone":".*has not answered/);
  },
);

test('what an answer quotes is nothing that a terminal acts on', async () => {
  const message = 'worker w3 failed: \u001B[2J\u001B[31mred\u0007';
  const last = { generation: 2, ok: false, message, took_seconds: 1 };
  const status = {
    pid: 1,
    state: 'ready',
    uptime_seconds: 1,
    generation: 1,
    listen: [],
    in_flight: 0,
    restarts: {},
    forced_kills: 0,
    moves: { moved: 0, on_their_way: 0, stayed: {} },
    reload: null,
    last_reload: last,
    last_upgrade: null,
    workers: [],
  };
  const line = `${JSON.stringify({ ok: true, result: status })}\n`;
  await using other = await listening((socket) => socket.end(line));
  const { code, out } = await lastcall('status', '--control', other.path);
  assert.equal(code, 0);
  assert.match(out, /worker w3 failed/);
  assert.doesNotMatch(out, /[^\P{Cc}\n]/u);
});
