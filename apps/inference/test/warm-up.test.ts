import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { begin, next } from '../src/model/generator.ts';
import { type NgramModel, train } from '../src/model/ngram.ts';
import { bareToken, tokenize } from '../src/model/tokens.ts';
import { sourceOf } from '../src/warmup/source.ts';
import { WarmUp } from '../src/warmup/warm-up.ts';
import { startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lastcall-warm-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'test.tables');
let said: string[] = [];
beforeEach(() => {
  said = [];
  rmSync(path, { force: true });
});

const paragraphs = [
  'The harbour is quiet, and the light goes round. The harbour is full when the wind is up.',
  'A ship that leaves the harbour says so; a ship that is late says so too.',
];
const trained = (): NgramModel => train(paragraphs);
const source = sourceOf(paragraphs.map((text) => Buffer.from(text)));
const warmUp = (): WarmUp => new WarmUp(folder, (line) => void said.push(line));
const never = (): never => assert.fail('was trained again');

function text(model: NgramModel, seed: number): string {
  let state = begin(model, 'The harbour', seed);
  const tokens: string[] = [];
  while (state.position < 200) {
    const step = next(model, state, { temperature: 1, minTokens: 200 });
    tokens.push(step.token ?? '');
    ({ state } = step);
  }
  return tokens.join('');
}

async function save(): Promise<NgramModel> {
  const first = warmUp();
  const model = first.model('test', source, trained);
  await first.save();
  return model;
}

describe('warm-up', { timeout: 280_000 }, () => {
  test('the tables give what was counted, for every context there is', () => {
    const counted = new Map<string, Map<string, number>>();
    for (const paragraph of paragraphs) {
      const past = ['\n\n'];
      for (const token of [...tokenize(paragraph), '\n\n']) {
        for (let length = 0; length <= Math.min(3, past.length); length += 1) {
          const context = JSON.stringify(past.slice(past.length - length));
          const followers = counted.get(context) ?? new Map<string, number>();
          counted.set(context, followers.set(token, (followers.get(token) ?? 0) + 1));
        }
        past.push(bareToken(token));
      }
    }
    const model = trained();
    for (const [context, followers] of counted) {
      const [longest] = model.lookup(JSON.parse(context) as string[]);
      assert.deepEqual(longest?.tokens, [...followers.keys()], context);
      assert.deepEqual(longest?.counts, [...followers.values()], context);
    }
    const unknown = [...model.lookup(['never', 'seen', 'is'])];
    assert.equal(unknown.length, 2, 'the last word and no word at all');
  });

  test('what was saved at a stop is the model of the next start, token for token', async () => {
    const model = await save();
    const again = warmUp().model('test', source, never);
    assert.equal(again.fingerprint, model.fingerprint);
    assert.equal(again.trainedTokens, model.trainedTokens);
    for (const seed of [1, 2, 3]) assert.equal(text(again, seed), text(model, seed));
    assert.deepEqual(readdirSync(folder), ['test.tables'], 'a draft was left');
  });

  test('a file that is damaged, torn, foreign or of another corpus is ignored with a line, and replaced', async () => {
    await save();
    const good = readFileSync(path);
    const damaged = Buffer.from(good);
    damaged[good.length >> 1]! ^= 1;
    for (const [bytes, told] of [
      [damaged, /is damaged/],
      [good.subarray(0, good.length - 100), /is damaged/],
      [Buffer.alloc(0), /is damaged/],
      [Buffer.from('hello'), /is damaged/],
    ] as const) {
      writeFileSync(path, bytes);
      said = [];
      const next = warmUp();
      assert.equal(text(next.model('test', source, trained), 1), text(trained(), 1));
      assert.match(said.join('\n'), told);
      await next.save();
      assert.deepEqual(readFileSync(path), good);
    }
    warmUp().model('test', sourceOf([Buffer.from('other')]), trained);
    assert.match(said.join('\n'), /the corpus or the method has changed/);
  });

  test('a folder that cannot be written is told, and fails nothing', async () => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, '');
    const failing = new WarmUp(join(blocked, 'warm'), (line) => void said.push(line));
    failing.model('test', source, trained);
    await failing.save();
    assert.match(said.join('\n'), /could not be saved: ENOTDIR/);
    rmSync(blocked);
  });

  test('the service saves at its stop and starts from it', async () => {
    await using data = dataFolder();
    const env = { LASTCALL_DATA_DIR: data.path };
    await using first = await startService(env);
    assert.match(first.output(), /tables of 'lastcall-ngram': trained/);
    assert.equal(await first.end('SIGTERM'), 0, first.output());
    await using second = await startService(env);
    assert.match(second.output(), /tables of 'lastcall-ngram': read as the last run left them/);
    assert.equal(await second.end('SIGTERM'), 0, second.output());
  });
});
