import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import Fastify from 'fastify';
import { createLifecycle } from 'lastcall';
import { attachFastify } from 'lastcall/fastify';
import { sendError, toApiError } from '../src/http/errors.ts';
import { modelRoutes } from '../src/uploads/routes.ts';
import { ModelStore } from '../src/uploads/store.ts';
import {
  digestField,
  modelIds,
  offsetOf,
  put,
  sha256,
  startUpload,
  untilOffset,
} from './support/upload.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'lastcall-models-'));
const limits = { maxBytes: 1_000_000, idleMs: 30_000 };
const { maxBytes } = limits;
const store = new ModelStore(folder);
const lifecycle = createLifecycle({ leaveMaxMs: 1 });
const app = Fastify();
attachFastify(lifecycle, app);
app.setErrorHandler((error, _request, reply) => sendError(reply, toApiError(error)));
modelRoutes(app, {
  store,
  limits,
  own: [{ name: 'lastcall-ngram', type: 'embedded' }],
  say: () => undefined,
});
let url = '';
before(async () => {
  await app.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  lifecycle.ready();
});
after(async () => {
  await lifecycle.stop({ reason: 'end', leave: false });
  rmSync(folder, { recursive: true, force: true });
});

const file = Buffer.from('The harbour is quiet. '.repeat(20_000)); // 440,000 bytes
const code = ({ text }: { text: string }): string =>
  (JSON.parse(text) as { error: { code: string } }).error.code;

describe('model uploads', { timeout: 280_000 }, () => {
  test('a whole file is published with its digest, replaced, listed and deleted', async () => {
    const first = await put(url, 'whole', file, { headers: { 'repr-digest': digestField(file) } });
    assert.equal(first.status, 201, first.text);
    assert.equal(first.headers.location, '/v1/models/whole');
    assert.equal(first.headers['repr-digest'], digestField(file));
    const model = JSON.parse(first.text) as { bytes: number; sha256: string };
    assert.deepEqual([model.bytes, model.sha256], [file.length, sha256(file).toString('hex')]);
    assert.deepEqual((await store.read('whole'))?.content, file);

    const other = Buffer.from('another');
    assert.equal((await put(url, 'whole', other)).status, 200);
    assert.deepEqual((await store.read('whole'))?.content, other);
    assert.equal((await put(url, 'empty', Buffer.alloc(0))).status, 201);
    assert.deepEqual(await modelIds(url), ['lastcall-ngram', 'empty', 'whole']);

    const deleted = await fetch(`${url}/v1/models/whole`, { method: 'DELETE' });
    assert.equal(deleted.status, 200);
    assert.equal((await fetch(`${url}/v1/models/whole`)).status, 404);
    assert.equal((await fetch(`${url}/v1/models/empty`)).status, 200);
  });

  test('parts, each with its digest; nothing of it is seen before the last byte', async () => {
    const parts = [0, 150_000, 300_000, file.length];
    for (let n = 0; n < 3; n += 1) {
      const [start, end] = [parts[n]!, parts[n + 1]!];
      const headers = {
        'content-digest': digestField(file.subarray(start, end)),
        'repr-digest': digestField(file),
      };
      const answer = await put(url, 'parts', file, { start, end, headers });
      if (n === 2) {
        assert.equal(answer.status, 201, answer.text);
        break;
      }
      assert.equal(answer.status, 202, answer.text);
      assert.equal(answer.headers['upload-offset'], String(end));
      assert.equal(answer.headers['upload-complete'], '?0');
      assert.equal(await offsetOf(url, 'parts'), end);
      assert.equal((await fetch(`${url}/v1/models/parts`)).status, 404);
      assert.ok(!(await modelIds(url)).includes('parts'));
    }
    assert.deepEqual((await store.read('parts'))?.content, file);
    assert.ok(Number.isNaN(await offsetOf(url, 'parts')));
  });

  test('a connection that broke off: the bytes that came are kept, and curl resumes them', async () => {
    const upload = startUpload(url, '/v1/models/torn', { 'content-length': file.length });
    await upload.send(file.subarray(0, 200_000));
    await untilOffset(url, 'torn', 200_000);
    const busy = await put(url, 'torn', file);
    assert.equal(busy.status, 409);
    assert.equal(code(busy), 'upload_in_progress');
    assert.equal(busy.headers['retry-after'], '1');
    upload.cut();
    // Kept once the request has ended here; until then the name is taken.
    const wrong = await retried(() => put(url, 'torn', file, { start: 100 }));
    assert.equal(wrong.headers['upload-offset'], '200000');
    assert.equal(code(wrong), 'upload_offset_mismatch');
    assert.ok(!(await modelIds(url)).includes('torn'));

    const path = join(folder, 'file');
    writeFileSync(path, file);
    const { stdout } = await run('curl', [
      '-sSo/dev/null',
      '-w%{http_code}',
      '-C200000',
      '-T',
      path,
      `${url}/v1/models/torn`,
    ]);
    assert.equal(stdout, '201');
    assert.deepEqual((await store.read('torn'))?.content, file);
  });

  test('all bytes came, and the answer did not: an empty part publishes', async () => {
    const claim = await store.uploads.claim('last', true);
    assert.ok(claim && claim !== 'held');
    await claim.keep();
    await put(url, 'last', file, { end: 1000 });
    const [path] = readdirSync(join(folder, 'uploads'));
    assert.equal(path, 'last');
    const range = { 'content-range': `bytes */${file.length}` };
    const early = await put(url, 'last', file, { start: file.length, headers: range });
    assert.equal(early.headers['upload-offset'], '1000');
    const mine = await store.uploads.claim('last', false);
    assert.ok(mine && mine !== 'held');
    await mine.file.write(file, 1000, file.length - 1000, 512 + 1000);
    await mine.keep();
    const last = await put(url, 'last', file, { start: file.length, headers: range });
    assert.equal(last.status, 201, last.text);
    assert.deepEqual((await store.read('last'))?.content, file);
  });

  test('wrong digests are told, and publish nothing', async () => {
    const wrong = digestField(Buffer.from('other bytes'));
    await put(url, 'digest', file, { end: 1000 });
    const options = { start: 1000, end: 2000, headers: { 'content-digest': wrong } };
    const part = await put(url, 'digest', file, options);
    assert.equal(part.status, 400);
    assert.equal(code(part), 'digest_mismatch');
    assert.equal(await offsetOf(url, 'digest'), 1000, 'the wrong bytes stayed');

    const whole = await put(url, 'digest', file, {
      start: 1000,
      headers: { 'repr-digest': wrong },
    });
    assert.equal(whole.status, 400);
    assert.equal(code(whole), 'digest_mismatch');
    assert.ok(Number.isNaN(await offsetOf(url, 'digest')));
    assert.equal((await fetch(`${url}/v1/models/digest`)).status, 404);
  });

  test('an upload is resumed with the size and digest that it began with', async () => {
    await put(url, 'same', file, { end: 10, headers: { 'repr-digest': digestField(file) } });
    const other = Buffer.alloc(20, 'x');
    const size = await put(url, 'same', other, { start: 10 });
    assert.equal(code(size), 'upload_differs');
    const otherDigest = { 'repr-digest': digestField(other) };
    const digest = await put(url, 'same', file, { start: 10, headers: otherDigest });
    assert.equal(code(digest), 'upload_differs');
    assert.equal((await put(url, 'same', file, { start: 10 })).status, 201);
  });

  test('more than the limit is 413, said before a byte is read, or when it comes unannounced', async () => {
    const large = startUpload(url, '/v1/models/large', { 'content-length': maxBytes + 1 });
    large.request.flushHeaders();
    const told = await large.answer;
    assert.equal(told.status, 413);
    assert.match(told.text, /larger than 1000000 bytes \(MODEL_UPLOAD_MAX_BYTES\)/);
    assert.equal(told.headers['upload-limit'], `max-size=${maxBytes}`);
    large.cut();
    const chunked = startUpload(url, '/v1/models/large', { 'transfer-encoding': 'chunked' });
    chunked.end(Buffer.alloc(maxBytes + 1));
    assert.equal((await chunked.answer).status, 413);
    assert.ok(Number.isNaN(await offsetOf(url, 'large')));
  });

  test('a client that falls silent is cut, and may resume', async () => {
    limits.idleMs = 300;
    const upload = startUpload(url, '/v1/models/silent', { 'content-length': file.length });
    await upload.send(file.subarray(0, 5_000));
    const answer = await upload.answer;
    limits.idleMs = 30_000;
    assert.equal(answer.status, 408);
    assert.equal(answer.headers['upload-offset'], '5000');
    upload.cut();
    assert.equal((await put(url, 'silent', file, { start: 5_000 })).status, 201);
  });

  test('names that are paths, or taken, are refused', async () => {
    for (const name of [
      '..%2f..%2fetc%2fpasswd',
      '%2e%2e',
      '.hidden',
      'A',
      'a@b',
      'a%00',
      'é',
      'x'.repeat(65),
    ]) {
      const answer = await put(url, name, file);
      assert.ok([400, 404].includes(answer.status), `${name}: ${answer.status}`);
      assert.equal((await fetch(`${url}/v1/models/${name}`)).status, 404, name);
    }
    assert.equal(code(await put(url, 'lastcall-ngram', file)), 'model_reserved');
    assert.deepEqual(readdirSync(folder).sort(), ['file', 'published', 'uploads']);
  });

  test('headers that make no sense are 400', async () => {
    for (const headers of [
      { 'content-range': 'bytes 0-10/5' },
      { 'content-range': 'bytes 5-4/10' },
      { 'content-range': 'lines 0-1/2' },
      { 'content-range': 'bytes 0-1/2' },
      { 'content-range': 'bytes 0-1/*' },
      { 'repr-digest': 'sha-256=abc' },
      { 'content-digest': 'sha-256=:YWJj:' },
    ]) {
      const answer = await put(url, 'headers', file, { headers });
      assert.equal(answer.status, 400, JSON.stringify(headers));
      assert.equal(code(answer), 'invalid_header');
    }
    const gzip = await put(url, 'headers', file, { headers: { 'content-encoding': 'gzip' } });
    assert.equal(gzip.status, 415);
    const md5 = { 'repr-digest': 'md5=:YWJj:' };
    assert.equal((await put(url, 'md5', file, { headers: md5 })).status, 201);
  });

  test('a file that is broken off, or none of ours, is no model; a damaged one is not read', async () => {
    await put(url, 'good', file);
    mkdirSync(join(folder, 'published'), { recursive: true });
    writeFileSync(join(folder, 'published', 'foreign'), 'hello');
    const bytes = Buffer.from('x'.repeat(600));
    writeFileSync(join(folder, 'published', 'broken'), bytes);
    const ids = await modelIds(url);
    assert.ok(ids.includes('good') && !ids.includes('foreign') && !ids.includes('broken'));
    const handle = await open(join(folder, 'published', 'good'), 'r+');
    await handle.write('X', 5_000);
    await handle.close();
    await assert.rejects(store.read('good'), /damaged/);
  });

  test('uploads that nobody resumed are removed; those under way are not', async () => {
    await put(url, 'old', file, { end: 10 });
    await put(url, 'new', file, { end: 10 });
    const held = await store.uploads.claim('held', true);
    assert.ok(held && held !== 'held');
    const long = new Date(Date.now() - 3_600_000);
    utimesSync(join(folder, 'uploads', 'old'), long, long);
    utimesSync(held.path, long, long);
    assert.deepEqual(await store.uploads.clean(1_800_000), ['old']);
    assert.ok(Number.isNaN(await offsetOf(url, 'old')));
    assert.equal(await offsetOf(url, 'new'), 10);
    await held.drop();
  });

  test('of many that begin one name at once one at the most gets it', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => put(url, 'raced', file)));
    const statuses = new Set(answers.map(({ status }) => status));
    assert.ok(
      [...statuses].every((status) => [200, 201, 409].includes(status)),
      String([...statuses]),
    );
    if (statuses.has(201)) assert.deepEqual((await store.read('raced'))?.content, file);
  });
});

async function retried(ask: () => ReturnType<typeof put>): ReturnType<typeof put> {
  for (;;) {
    const answer = await ask();
    if (answer.status !== 409 || code(answer) !== 'upload_in_progress') return answer;
  }
}
