// One watch for a state folder: the second is refused, a dead one is in nobody's way.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Journal } from '../../src/node/journal.ts';
import { type Ended, lastcall } from '../support/command.ts';
import { folder } from '../support/place.ts';

interface Place {
  words: string[];
  state: string;
}

/** Nodes behind a proxy that does not run: the watch goes on all the same. */
function place(t: { after(end: () => unknown): void }): Place {
  const dir = folder(t);
  const file = join(dir, 'edge.yaml');
  writeFileSync(
    file,
    'upstream: app\nhaproxy: { socket: none.sock }\nstateDir: state\nnodes: [{ server: a, url: "http://127.0.0.1:1" }]\n',
  );
  return {
    words: ['node', 'watch', '--metrics', '0', '--nodes', file],
    state: join(dir, 'state'),
  };
}

/** A watch that runs: its process, and how it ends. */
async function start(
  t: { after(end: () => unknown): void },
  words: string[],
): Promise<{ child: ChildProcess; ended: Promise<Ended> }> {
  const { promise, resolve, reject } = Promise.withResolvers<ChildProcess>();
  const ended = lastcall(words, undefined, (child, out) => {
    if (!out.includes('metrics on')) return;
    t.after(() => child.kill('SIGKILL'));
    resolve(child);
  });
  ended.then(({ err }) => reject(new Error(`it has ended: ${err}`)), reject);
  return { child: await promise, ended };
}

const holders = ({ state }: Place): string[] =>
  readdirSync(state).filter((name) => name.startsWith('watching.'));

test('a second watch is refused with the pid of the first; one that was killed holds nothing', async (t) => {
  const here = place(t);
  const first = await start(t, here.words);
  const second = await lastcall(here.words);
  assert.deepEqual([second.code, second.out], [1, '']);
  assert.equal(
    second.err,
    `lastcall: Another watch (pid ${first.child.pid}) runs on ${here.state} (stateDir). Nothing was changed. End that one first (kill ${first.child.pid}), or give a watch of other nodes a stateDir of its own.\n`,
  );
  // A controller is not held up, and the first still runs.
  assert.equal(await new Journal(here.state).locked(() => 'mine'), 'mine');
  assert.equal(new Journal(here.state).watcher(), first.child.pid);
  first.child.kill('SIGKILL');
  await first.ended;
  assert.equal(new Journal(here.state).watcher(), undefined);
  assert.equal(holders(here).length, 1, 'who only looks removes nothing');
  const third = await start(t, here.words);
  assert.deepEqual(
    holders(here).map((name) => Number(name.split('.')[1])),
    [third.child.pid],
  );
  third.child.kill('SIGTERM');
  assert.equal((await third.ended).code, 0);
  assert.deepEqual(holders(here), []);
});

test('a pid that another process has by now holds nothing', async (t) => {
  const here = place(t);
  mkdirSync(here.state);
  writeFileSync(join(here.state, `watching.${process.pid}.1.${crypto.randomUUID()}`), '');
  const { child, ended } = await start(t, here.words);
  assert.equal(holders(here).length, 1);
  child.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});

test('of watches that start at the same time one runs, and one that fails gives way', async (t) => {
  const journal = new Journal(place(t).state);
  const over = Promise.withResolvers<void>();
  const codes: string[] = [];
  let running = 0;
  const all = [1, 2, 3].map(() =>
    journal
      .watching(() => {
        running += 1;
        return over.promise;
      })
      .catch((error: { code: string }) => {
        // The one that runs ends when the others have been refused.
        if (codes.push(error.code) === 2) over.resolve();
      }),
  );
  await Promise.all(all);
  assert.deepEqual([running, codes], [1, ['ERR_EDGE_JOURNAL', 'ERR_EDGE_JOURNAL']]);
  await assert.rejects(
    journal.watching(() => {
      throw new Error('no port');
    }),
    /no port/,
  );
  assert.equal(await journal.watching(() => 'runs'), 'runs');
});
