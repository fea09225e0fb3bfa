import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { post } from './support/client.ts';
import { startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';
import { digestField, modelIds, put, startUpload, untilOffset } from './support/upload.ts';

const folder = dataFolder();
after(() => folder[Symbol.asyncDispose]());
const env = { LASTCALL_DATA_DIR: folder.path };
const file = Buffer.from('Ships come in with the tide. '.repeat(60_000)); // 1,740,000 bytes: more than a JSON body may have
const half = 900_000;
const headers = { 'content-length': file.length, 'repr-digest': digestField(file) };

describe('uploads and the end of a worker', { timeout: 280_000 }, () => {
  test('SIGTERM: an upload in progress finishes whole; one past the deadline resumes elsewhere', async () => {
    await using leaving = await startService(env);
    await using staying = await startService(env);
    const upload = startUpload(leaving.url, '/v1/models/finishes', headers);
    await upload.send(file.subarray(0, half));
    await untilOffset(leaving.url, 'finishes', half);
    const ended = leaving.end('SIGTERM');
    for (;;) {
      const ready = await fetch(`${leaving.url}/ready`);
      if (ready.status === 503) break;
    }
    assert.ok(!(await modelIds(staying.url)).includes('finishes'));
    upload.end(file.subarray(half));
    const answer = await upload.answer;
    assert.equal(answer.status, 201, answer.text);
    assert.equal(await ended, 0, leaving.output());
    assert.ok((await modelIds(staying.url)).includes('finishes'));

    const text = Buffer.from('The lamp is lit. The lamp is lit at night.');
    assert.equal((await put(staying.url, 'lamp', text)).status, 201);
    const ask = { model: 'lamp', input: 'The lamp', temperature: 0, max_output_tokens: 2 };
    const said = await (await post(`${staying.url}/v1/responses`, ask)).text();
    assert.match(said, /"text":"is lit"/);

    await using short = await startService({ ...env, GRACEFUL_SHUTDOWN_TIMEOUT: '1' });
    const cut = startUpload(short.url, '/v1/models/cut', headers);
    await cut.send(file.subarray(0, half));
    await untilOffset(staying.url, 'cut', half);
    const held = await put(staying.url, 'cut', file, { start: half });
    assert.equal(held.status, 409, 'another worker wrote to an upload in progress');
    assert.equal(await short.end('SIGTERM'), 3, short.output());
    const told = await cut.answer;
    assert.equal(told.status, 503);
    assert.ok(told.headers['retry-after']);
    assert.equal(told.headers['upload-offset'], String(half));
    const rest = await put(staying.url, 'cut', file, { start: half });
    assert.equal(rest.status, 201, rest.text);
    assert.equal(rest.headers['repr-digest'], headers['repr-digest']);
    assert.equal(await staying.end('SIGTERM'), 0, staying.output());
  });

  test('SIGKILL: the upload resumes on another worker, and after a restart', async () => {
    await using killed = await startService(env);
    await using other = await startService(env);
    const uploads = ['elsewhere', 'restarted'].map((name) =>
      startUpload(killed.url, `/v1/models/${name}`, headers),
    );
    for (const upload of uploads) await upload.send(file.subarray(0, half));
    await untilOffset(other.url, 'elsewhere', half);
    await untilOffset(other.url, 'restarted', half);
    await killed.end('SIGKILL');
    assert.deepEqual(
      (await modelIds(other.url)).filter((id) => ['elsewhere', 'restarted'].includes(id)),
      [],
    );
    const rest = await put(other.url, 'elsewhere', file, { start: half });
    assert.equal(rest.status, 201, rest.text);
    assert.equal(await other.end('SIGTERM'), 0, other.output());

    await using again = await startService(env);
    const start = await untilOffset(again.url, 'restarted', half);
    const last = await put(again.url, 'restarted', file, { start });
    assert.equal(last.status, 201, last.text);
    assert.equal(last.headers['repr-digest'], headers['repr-digest']);
    assert.equal(await again.end('SIGTERM'), 0, again.output());
  });
});
