import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { headerBytes, writeHeader } from '../src/uploads/header.ts';
import { runnableBytes, runnableModels } from '../src/uploads/runnable.ts';
import { ModelStore } from '../src/uploads/store.ts';

const folder = mkdtempSync(join(tmpdir(), 'lastcall-run-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const store = new ModelStore(folder);
const find = runnableModels(store);

async function publish(name: string, content: string | Uint8Array): Promise<void> {
  const claim = await store.uploads.claim(name, true);
  assert.ok(claim && claim !== 'held');
  await writeHeader(claim.file, { name, bytes: null, sha256: null });
  await claim.file.write(Buffer.from(content), 0, undefined, headerBytes);
  assert.ok(await store.publish(claim, name, undefined));
}

test('an uploaded text is a model, trained once; replaced it is another', async () => {
  await publish('wind', 'The wind is up and the sea is high. The wind is down.');
  const model = await find('wind');
  assert.equal(await find('wind'), model);
  const [followers] = model?.lookup(['wind', 'is']) ?? [];
  assert.deepEqual(followers?.tokens, [' up', ' down']);
  await publish('wind', 'The wind is calm now.');
  assert.notEqual((await find('wind'))?.fingerprint, model?.fingerprint);
  for (let n = 0; n < 5; n += 1) {
    await publish(`other${n}`, `A text of number ${n}.`);
    await find(`other${n}`);
  }
  assert.ok(await find('wind'), 'is trained again when it was forgotten');
});

test('what is no text is told, and what is not there is not found', async () => {
  assert.equal(await find('nowhere'), undefined);
  assert.equal(await find('../published/wind'), undefined);
  await publish('bytes', Buffer.from([0xff, 0xfe, 0x00]));
  await publish('empty', '');
  await publish('wide', 'so '.repeat(runnableBytes));
  for (const name of ['bytes', 'empty', 'wide'])
    await assert.rejects(find(name), { status: 400, code: 'model_not_runnable' });
});
