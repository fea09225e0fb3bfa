import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { prose, readCorpus } from '../src/model/corpus.ts';
import { embeddedModelName, embeddedProvider } from '../src/model/embedded.ts';
import { begin, type GeneratorState, ModelChangedError, next } from '../src/model/generator.ts';
import { train } from '../src/model/ngram.ts';
import type { GenerateRequest } from '../src/model/provider.ts';
import { tokenize } from '../src/model/tokens.ts';

const app = fileURLToPath(new URL('..', import.meta.url));
const model = train(readCorpus(app, app));
const sampling = { temperature: 1, minTokens: 300 };

/** The tokens from a state on, up to position 300, and every state on the way. */
function run(from: GeneratorState): { tokens: string[]; states: GeneratorState[] } {
  const tokens: string[] = [];
  const states = [from];
  for (let state = from; state.position < 300;) {
    const step = next(model, state, sampling);
    tokens.push(step.token ?? '');
    states.push((state = step.state));
  }
  return { tokens, states };
}

const request = (facts: Partial<GenerateRequest>): GenerateRequest => ({
  model: embeddedModelName,
  messages: [{ role: 'user', text: 'When the server' }],
  seed: 1,
  temperature: 1,
  maxOutputTokens: 100,
  minOutputTokens: 0,
  ...facts,
});

describe('the text model', { timeout: 120_000 }, () => {
  test('tokens join to the text they come from', () => {
    const text = "It's 3.5 ms, isn't it? (Well — “yes”.)";
    assert.equal(tokenize(text).join(''), text);
  });

  test('prose leaves code, tables and marks out', () => {
    const markdown =
      '# Title\n\nSome *bold* [text](http://x) here.\n\n```js\nlet a = 1;\n```\n\n| a | b |\n\n- an item of a list\n';
    assert.deepEqual(prose(markdown), ['Some bold text here.', 'an item of a list']);
  });

  test('has learnt a corpus of a decent size from the app folder alone', () => {
    assert.ok(model.trainedTokens > 2_000, `${model.trainedTokens} tokens`);
  });

  test('the same prompt and seed give the same text, another seed or prompt another', () => {
    const text = (prompt: string, seed: number): string =>
      run(begin(model, prompt, seed)).tokens.join('');
    assert.equal(text('When the server', 7), text('When the server', 7));
    assert.notEqual(text('When the server', 7), text('When the server', 8));
    assert.notEqual(text('When the server', 7), text('When the server', 7 + 2 ** 32));
    assert.notEqual(text('When the server', 7), text('As the server', 7));
  });

  test('a state saved after any token continues token for token', () => {
    const whole = run(begin(model, 'The harbour', 42));
    for (const [position, state] of whole.states.entries()) {
      const saved = JSON.parse(JSON.stringify(state)) as GeneratorState;
      assert.deepEqual(run(saved).tokens, whole.tokens.slice(position), `from ${position}`);
    }
  });

  test('a state of another model is refused', () => {
    const other = train(['Quite another text, by somebody else.']);
    assert.throws(() => next(model, begin(other, 'a', 1), sampling), ModelChangedError);
  });

  test('does not end before minTokens and then ends by itself', () => {
    let state = begin(model, 'The kitchen', 3);
    for (let ended = false; !ended;) {
      const step = next(model, state, { temperature: 1, minTokens: 50 });
      ended = step.token === undefined;
      state = step.state;
      assert.ok(state.position < 2_000, 'never ends');
    }
    assert.ok(state.position >= 50);
  });

  test('an empty corpus is told', () => {
    assert.throws(() => train(['']), /nothing to learn from/);
  });
});

describe('the embedded provider', { timeout: 120_000 }, () => {
  test('keeps its pace, gives the finish last, and counts', async () => {
    const provider = embeddedProvider(model, 1_000);
    const began = performance.now();
    const parts = [];
    const { signal } = new AbortController();
    const asked = request({ maxOutputTokens: 50, minOutputTokens: 50 });
    for await (const part of await provider.start(asked, signal)) parts.push(part);
    assert.ok(performance.now() - began >= 49, 'faster than 1000 tokens per second');
    assert.equal(parts.length, 51);
    assert.deepEqual(parts.at(-1), {
      type: 'finish',
      reason: 'length',
      inputTokens: 3,
      outputTokens: 50,
    });
  });

  test('lets the event loop turn at the highest pace', async () => {
    const provider = embeddedProvider(model, 1_000_000);
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const { signal } = new AbortController();
    const asked = request({ maxOutputTokens: 20_000, minOutputTokens: 20_000 });
    for await (const _part of await provider.start(asked, signal));
    clearInterval(timer);
    assert.ok(turns > 3, `${turns} timer turns`);
  });

  test('an abort ends it at once with the reason of the signal', async () => {
    const provider = embeddedProvider(model, 1);
    const controller = new AbortController();
    const stream = await provider.start(request({}), controller.signal);
    const first = stream.next();
    controller.abort(new Error('enough'));
    await assert.rejects(first, /enough/);
  });

  test('another model name is refused by name', async () => {
    const provider = embeddedProvider(model, 1_000);
    await assert.rejects(
      provider.start(request({ model: 'gpt-9' }), new AbortController().signal),
      { code: 'model_not_found', status: 404, param: 'model', message: /gpt-9/ },
    );
  });
});
