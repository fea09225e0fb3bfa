import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { eventsOf, post, type StreamEvent, streamUntil, untilActive } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
let service: ServiceProcess;
before(async () => {
  service = await startService({
    LASTCALL_DATA_DIR: folder.path,
    MODEL_TOKENS_PER_SECOND: '200',
  });
});
after(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const text = (events: StreamEvent[]): string => events.map(({ delta }) => delta ?? '').join('');

describe('POST /v1/responses', { timeout: 280_000 }, () => {
  test('streams the events of the OpenAI API in order, numbered without a gap', async () => {
    const body = { input: 'When the server', seed: 3, min_output_tokens: 30, stream: true };
    const response = await post(`${service.url}/v1/responses`, body);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    const events: StreamEvent[] = [];
    for await (const event of eventsOf(response)) events.push(event);

    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      events.map((_, index) => index),
    );
    const types = events.map(({ type }) => type.replace('response.', ''));
    assert.deepEqual(
      types.filter((type, index) => type !== types[index - 1]),
      [
        'created',
        'in_progress',
        'output_item.added',
        'content_part.added',
        'output_text.delta',
        'output_text.done',
        'content_part.done',
        'output_item.done',
        'completed',
      ],
    );
    const last = events.at(-1)?.response;
    assert.equal(last?.status, 'completed');
    assert.equal(last?.output[0]?.content[0]?.text, text(events));
    assert.ok(text(events).length > 50);
  });

  test('the same prompt and seed give the same text, streamed or not', async () => {
    const body = { input: 'When the server', seed: 11, min_output_tokens: 20 };
    const { rest } = await streamUntil(service.url, body, 1);
    const whole = (await (await post(`${service.url}/v1/responses`, body)).json()) as {
      output: { content: { text: string }[] }[];
      seed: number;
    };
    assert.equal(whole.output[0]?.content[0]?.text, text(await rest));
    assert.equal(whole.seed, 11);
  });

  test('the official client reads it, streaming and not', async () => {
    const client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const whole = await client.responses.create({
      model: 'lastcall-ngram',
      instructions: 'Be brief.',
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'The harbour' }] }],
      max_output_tokens: 5,
      temperature: 0,
    });
    assert.equal(whole.status, 'incomplete');
    assert.equal(whole.incomplete_details?.reason, 'max_output_tokens');
    assert.equal(whole.usage?.output_tokens, 5);
    assert.equal(whole.instructions, 'Be brief.');
    assert.ok(whole.output_text.length > 0);

    const stream = client.responses.stream({ model: 'lastcall-ngram', input: 'The night train' });
    let deltas = '';
    stream.on('response.output_text.delta', ({ delta }) => (deltas += delta));
    const final = await stream.finalResponse();
    assert.equal(final.status, 'completed');
    assert.equal(final.output_text, deltas);

    await assert.rejects(client.responses.create({ model: 'gpt-9', input: 'x' }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, 'model_not_found');
      assert.equal(error.param, 'model');
      return true;
    });
  });

  const bad: [name: string, body: unknown, status: number, param: string | null, code: string][] = [
    ['no input', {}, 400, 'input', 'invalid_value'],
    ['an input of the wrong type', { input: 7 }, 400, 'input', 'invalid_value'],
    [
      'an unknown role',
      { input: [{ role: 'pilot', content: 'x' }] },
      400,
      'input.0.role',
      'invalid_value',
    ],
    [
      'a picture',
      { input: [{ role: 'user', content: [{ type: 'input_image', text: '' }] }] },
      400,
      'input.0.content.0.type',
      'invalid_value',
    ],
    ['an unknown parameter', { input: 'x', sed: 1 }, 400, 'sed', 'unknown_parameter'],
    ['a temperature of 3', { input: 'x', temperature: 3 }, 400, 'temperature', 'invalid_value'],
    ['no room for output', { input: 'x', max_output_tokens: 0 }, 400, 'max_output_tokens', ''],
    ['a broken seed', { input: 'x', seed: 1.5 }, 400, 'seed', 'invalid_value'],
    ['a background of a word', { input: 'x', background: 'y' }, 400, 'background', 'invalid_value'],
    ['a NUL', { input: 'a\0b' }, 400, 'input', 'invalid_value'],
    ['half a JSON text', '{"input":', 400, null, 'invalid_json'],
    ['a list', [], 400, null, 'invalid_value'],
    ['an empty body', '', 400, null, 'invalid_json'],
    ['too large a body', { input: 'x'.repeat(1_100_000) }, 413, null, 'body_too_large'],
  ];
  for (const [name, body, status, param, code] of bad)
    test(`refuses ${name} with the field and the reason`, async () => {
      const response = await post(`${service.url}/v1/responses`, body);
      const { error } = (await response.json()) as {
        error: { message: string; type: string; param: string | null; code: string };
      };
      assert.equal(response.status, status, error.message);
      assert.equal(error.type, 'invalid_request_error');
      assert.ok(error.message.length > 10);
      if (param !== null) {
        assert.equal(error.param, param);
        assert.ok(error.message.includes(param));
      }
      if (code) assert.equal(error.code, code);
    });

  test('wants JSON', async () => {
    const response = await fetch(`${service.url}/v1/responses`, { method: 'POST', body: 'input' });
    assert.equal(response.status, 415);
    assert.match(await response.text(), /content-type: application\/json/);
  });

  test('a stream counts as active, and no more once its client has gone', async () => {
    await untilActive(service.url, 0);
    const controller = new AbortController();
    const response = await fetch(`${service.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'x', min_output_tokens: 50_000, stream: true }),
      signal: controller.signal,
    });
    // The connection, and the generation that could go on without it.
    await untilActive(service.url, 2);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    assert.match(metrics, /^in_flight_requests\{kind="stream"\} 1$/m);
    controller.abort();
    await assert.rejects(response.text());
    await untilActive(service.url, 0);
    assert.match(
      await (await fetch(`${service.url}/metrics`)).text(),
      /^lastcall_work_total\{kind="stream",outcome="cancelled"\} 1$/m,
    );
  });

  // Last: it ends the service.
  test('SIGTERM in the middle of a stream: whole to its end, new ones refused, exit 0', async () => {
    const body = { input: 'When the server', seed: 5, min_output_tokens: 150 };
    const whole = await (await streamUntil(service.url, body, 1)).rest;
    const { events, rest } = await streamUntil(service.url, body, 5);
    const ended = service.end('SIGTERM');
    const before = events.length;
    assert.equal(text(await rest), text(whole));
    assert.ok(events.length > before, 'the stream was over before the signal');
    assert.equal(events.at(-1)?.type, 'response.completed');
    assert.equal(await ended, 0, service.output());
    assert.match(service.output(), /lost 0/);
    assert.equal(folder.postmaster(), undefined, 'PostgreSQL was left behind');
  });
});
