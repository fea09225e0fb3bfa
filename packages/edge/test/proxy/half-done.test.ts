// Changes that the proxy has carried out and of which nobody could be told.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { readMarks, Watch } from '@lastcall/edge';
import { replaceFile } from '../../src/config/replace-file.ts';
import { code, fakeHaproxy, type Runtime } from '../support/fake-haproxy.ts';
import { folder } from '../support/place.ts';
import { program } from '../support/program.ts';

const URL_OF_NONE = 'http://127.0.0.1:1';
const sets = ({ commands }: Runtime): string[] =>
  commands.filter((command) => command.startsWith('set'));

test('a take-out that cannot be read back is undone', async (t) => {
  const { pid } = program(t);
  const runtime = await fakeHaproxy(t, { pid, url: URL_OF_NONE });
  let failed = false;
  runtime.mute = (command) => {
    const now = !failed && runtime.out.has('a') && command === 'show stat';
    failed ||= now;
    return now;
  };
  await assert.rejects(runtime.desk().drain('a'), code('ERR_EDGE_PROXY', /in service as it was/));
  assert.deepEqual(sets(runtime), ['set server app/a state drain', 'set server app/a state ready']);
  assert.deepEqual([...runtime.out], []);
  assert.deepEqual(runtime.desk().journal.all(), []);
});

test('one that cannot be undone either is recorded, and can be rolled back', async (t) => {
  const { pid } = program(t);
  const runtime = await fakeHaproxy(t, { pid, url: URL_OF_NONE });
  runtime.mute = () => runtime.out.has('a');
  const lines: string[] = [];
  await assert.rejects(runtime.desk(lines).drain('a'), code('ERR_EDGE_PROXY', /may be out/));
  const { journal } = runtime.desk();
  assert.equal(journal.read('a')?.state, 'failed');
  assert.deepEqual(journal.read('a')?.done, ['take_out']);
  assert.match(lines.at(-1) ?? '', /the way back: lastcall node undrain a/);
  runtime.mute = () => false;
  await runtime.desk().rollback('a');
  assert.deepEqual([...runtime.out], []);
  assert.deepEqual(journal.all(), []);
});

test('the watch remembers a mark that it could not read back', async (t) => {
  const runtime = await fakeHaproxy(t, { pid: process.pid, url: URL_OF_NONE });
  const desk = runtime.desk();
  const watch = new Watch(desk, () => {});
  runtime.mute = () => runtime.out.has('a');
  await watch.round();
  await watch.round();
  assert.deepEqual([...runtime.out], ['a']);
  assert.deepEqual(readMarks(desk.inventory.stateDir), ['a']);
});

test('a file that was replaced is no failure, though its folder cannot be synced', (t) => {
  const dir = join(folder(t), 'd');
  mkdirSync(dir);
  const file = join(dir, 'file');
  writeFileSync(file, 'old');
  const nobody = 65_534;
  const root = process.getuid?.() === 0;
  if (root) {
    for (const path of [dir, file]) chownSync(path, nobody, process.getgid!());
    chmodSync(join(dir, '..'), 0o755);
  }
  // To write into it is allowed, to open it is not.
  chmodSync(dir, 0o300);
  if (root) process.seteuid!(nobody);
  try {
    replaceFile(file, { text: 'new', encoding: 'utf8' });
  } finally {
    if (root) process.seteuid!(0);
    chmodSync(dir, 0o700);
  }
  assert.equal(readFileSync(file, 'utf8'), 'new');
});
