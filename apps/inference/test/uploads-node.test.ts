import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ServedNode, startNode } from './support/node.ts';
import { dataFolder } from './support/temp.ts';
import {
  digestField,
  modelIds,
  offsetOf,
  put,
  startUpload,
  type Upload,
  untilOffset,
} from './support/upload.ts';

const run = promisify(execFile);
const file = Buffer.from('Ships come in with the tide. '.repeat(60_000));
const half = 900_000;
const digest = digestField(file);
const headers = { 'content-length': file.length, 'repr-digest': digest };

/** An upload of which half has come, and a watch that it is not visible meanwhile. */
async function halfway(
  node: ServedNode,
  name: string,
): Promise<Upload & { unseen(): Promise<void> }> {
  const upload = startUpload(node.url, `/v1/models/${name}`, headers);
  await upload.send(file.subarray(0, half));
  await untilOffset(node.url, name, half);
  const stop = new AbortController();
  const watch = (async () => {
    while (!stop.signal.aborted) {
      assert.ok(!(await modelIds(node.url)).includes(name), 'a torn upload is listed');
      assert.equal((await fetch(`${node.url}/v1/models/${name}`)).status, 404);
      await sleep(5);
    }
  })();
  watch.catch(() => undefined); // told below
  const unseen = (): Promise<void> => {
    stop.abort();
    return watch;
  };
  return Object.assign(upload, { unseen });
}

/** Sends the rest as a person would, who was told how much has come; `curl -C` is that of the README. */
async function resume(node: ServedNode, name: string, path: string): Promise<void> {
  const offset = await offsetOf(node.url, name);
  assert.equal(offset, half, 'what had come is kept');
  const { stdout } = await run('curl', [
    '-sSo/dev/null',
    '-w%{http_code} %header{repr-digest}',
    `-C${offset}`,
    '-T',
    path,
    `${node.url}/v1/models/${name}`,
  ]);
  assert.equal(stdout, `201 ${digest}`);
  assert.ok((await modelIds(node.url)).includes(name));
}

async function untilReplaced(
  node: ServedNode,
  old: readonly number[],
  left: number,
): Promise<void> {
  for (;;) {
    const now = node.workers();
    const gone = old.filter((pid) => !now.includes(pid)).length;
    if (gone === old.length - left && now.length === 2 + left) return;
    await sleep(20);
  }
}

describe('an upload in a supervised node', { timeout: 280_000 }, () => {
  const folder = dataFolder();
  const path = join(folder.path, 'file');
  before(() => writeFileSync(path, file));
  after(() => folder[Symbol.asyncDispose]());

  test('over a reload: it finishes in the worker that retires, and is whole', async () => {
    await using node = await startNode(folder, { GRACEFUL_SHUTDOWN_TIMEOUT: '60' });
    const old = node.workers();
    const upload = await halfway(node, 'finishes');
    const reloading = node.verb('reload');
    // The other old worker has ended; this one stays for the upload.
    await untilReplaced(node, old, 1);
    const second = await put(node.url, 'finishes', file);
    assert.equal(second.status, 409, 'a new worker wrote to an upload in progress');
    await upload.unseen();
    upload.end(file.subarray(half));
    const answer = await upload.answer;
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.headers['repr-digest'], digest);
    await reloading;
    await untilReplaced(node, old, 0);
    assert.ok((await modelIds(node.url)).includes('finishes'));
    assert.equal(await node.end('SIGTERM'), 0, node.output());
  });

  test('past the deadline of a reload, and when its worker is killed: resumed in a new worker', async () => {
    await using node = await startNode(folder, { GRACEFUL_SHUTDOWN_TIMEOUT: '2' });
    await pastDeadline(node);
    await node.untilServing(2);
    await killed(node);
    await node.end('SIGTERM');
    assert.doesNotMatch(node.output(), /lost [1-9]/);
  });

  async function pastDeadline(node: ServedNode): Promise<void> {
    const old = node.workers();
    const upload = await halfway(node, 'resumes');
    await node.verb('reload');
    const answer = await upload.answer;
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.headers['upload-offset'], String(half));
    assert.ok(answer.headers['retry-after']);
    await untilReplaced(node, old, 0);
    await upload.unseen();
    await resume(node, 'resumes', path);
  }

  async function killed(node: ServedNode): Promise<void> {
    const old = node.workers();
    const upload = await halfway(node, 'killed');
    const broken = assert.rejects(upload.answer);
    for (const pid of old) process.kill(pid, 'SIGKILL');
    await broken;
    // The watch asks workers that are being killed, too.
    await upload.unseen().catch((error: unknown) => assert.ok(error instanceof TypeError));
    await untilReplaced(node, old, 0);
    await node.untilServing(2);
    await resume(node, 'killed', path);
  }
});
