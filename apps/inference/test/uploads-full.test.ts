import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Fastify from 'fastify';
import { createLifecycle } from 'lastcall';
import { attachFastify } from 'lastcall/fastify';
import { sendError, toApiError } from '../src/http/errors.ts';
import { headerBytes } from '../src/uploads/header.ts';
import { modelRoutes } from '../src/uploads/routes.ts';
import { ModelStore } from '../src/uploads/store.ts';
import { offsetOf, put, startUpload } from './support/upload.ts';

const folder = mkdtempSync(join(tmpdir(), 'lastcall-full-'));
const store = new ModelStore(folder);
const lifecycle = createLifecycle({ leaveMaxMs: 1 });
const app = Fastify();
attachFastify(lifecycle, app);
app.setErrorHandler((error, _request, reply) => sendError(reply, toApiError(error)));
modelRoutes(app, {
  store,
  limits: { maxBytes: 10_000_000, idleMs: 30_000 },
  own: [],
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

const file = Buffer.from('The harbour is quiet. '.repeat(50_000)); // 1,100,000 bytes
const missing = 10;

/** No file may be larger: as on a full disk, the last write takes a part of its bytes, and the next is refused. */
async function withRoomFor<T>(bytes: number, work: () => Promise<T>): Promise<T> {
  const limit = (soft: string): Buffer =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${soft}:`]);
  limit(String(bytes));
  try {
    return await work();
  } finally {
    limit('unlimited');
  }
}

test('a disk that is full for the last bytes: nothing is published, and it is told', async () => {
  const answer = await withRoomFor(headerBytes + file.length - missing, () => {
    const upload = startUpload(url, '/v1/models/full', { 'transfer-encoding': 'chunked' });
    upload.end(file);
    return upload.answer;
  });
  assert.equal(answer.status, 507, answer.text);
  assert.equal(answer.headers['upload-offset'], String(file.length - missing));
  assert.equal((await fetch(`${url}/v1/models/full`)).status, 404);
});

test('a disk that is full for the last bytes of a part: the offset that is told is true', async () => {
  const total = file.length + 1_000;
  const range = { 'content-range': `bytes 0-${file.length - 1}/${total}` };
  const answer = await withRoomFor(headerBytes + file.length - missing, () =>
    put(url, 'part', file, { headers: range }),
  );
  assert.equal(answer.status, 507, answer.text);
  assert.equal(answer.headers['upload-offset'], String(file.length - missing));
  assert.equal(await offsetOf(url, 'part'), file.length - missing);
});

test('an old upload that is resumed while the cleaning comes by is kept', async () => {
  await put(url, 'again', file, { end: 10 });
  const long = new Date(Date.now() - 3_600_000);
  utimesSync(join(folder, 'uploads', 'again'), long, long);
  const { uploads } = store;
  const claim = uploads.claim.bind(uploads);
  // Between the look at its age and the claim a client goes on with it.
  uploads.claim = async (...given) => {
    uploads.claim = claim;
    assert.equal((await put(url, 'again', file, { start: 10, end: 1_000 })).status, 202);
    return claim(...given);
  };
  assert.deepEqual(await uploads.clean(1_800_000), []);
  assert.equal(await offsetOf(url, 'again'), 1_000);
});
