import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import type { GenerateRequest, GenerationPart } from '../src/model/provider.ts';
import { readEvents } from '../src/model/sse-reader.ts';
import { upstreamProvider } from '../src/model/upstream.ts';
import { addTask, post, streamUntil, untilActive, untilTask } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => unknown;
let server: Server | undefined;

/** A model server on a real socket that answers as the test says. */
async function upstream(handler: Handler): Promise<string> {
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => handler(request, response, body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

afterEach(async () => {
  if (!server?.listening) return;
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const request: GenerateRequest = {
  model: 'some-model',
  messages: [
    { role: 'developer', text: 'Be brief.' },
    { role: 'user', text: 'Hello' },
  ],
  seed: 7,
  temperature: 0.5,
  maxOutputTokens: 20,
  minOutputTokens: 0,
};
const { signal } = new AbortController();

async function collect(url: string): Promise<GenerationPart[]> {
  const parts = [];
  const provider = upstreamProvider({ url, apiKey: 'secret' });
  for await (const part of await provider.start(request, signal)) parts.push(part);
  return parts;
}

const sse = (...events: unknown[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');

describe('an OpenAI-compatible server as the model', { timeout: 280_000 }, () => {
  test('speaks the Responses API with it', async () => {
    let asked: Record<string, unknown> = {};
    let seen: IncomingMessage | undefined;
    const url = await upstream((request, response, body) => {
      [seen, asked] = [request, JSON.parse(body) as Record<string, unknown>];
      response.end(
        sse(
          { type: 'response.created' },
          { type: 'response.output_text.delta', delta: 'Hi' },
          { type: 'response.output_text.delta', delta: ' you' },
          {
            type: 'response.completed',
            response: { usage: { input_tokens: 4, output_tokens: 2 } },
          },
        ),
      );
    });
    assert.deepEqual(await collect(url), [
      { type: 'delta', text: 'Hi' },
      { type: 'delta', text: ' you' },
      { type: 'finish', reason: 'stop', inputTokens: 4, outputTokens: 2 },
    ]);
    assert.equal(seen?.url, '/v1/responses');
    assert.equal(seen.headers.authorization, 'Bearer secret');
    assert.equal(asked['model'], 'some-model');
    assert.equal(asked['max_output_tokens'], 20);
    assert.equal(asked['stream'], true);
  });

  test('speaks Chat Completions with one that has no Responses API', async () => {
    const paths: (string | undefined)[] = [];
    let asked: { messages?: unknown; seed?: number } = {};
    const url = await upstream((request, response, body) => {
      paths.push(request.url);
      if (request.url !== '/v1/chat/completions') return response.writeHead(404).end('nothing');
      asked = JSON.parse(body) as typeof asked;
      return response.end(
        `${sse(
          { choices: [{ delta: { role: 'assistant', content: '' } }] },
          { choices: [{ delta: { content: 'Hi' } }] },
          { choices: [{ delta: {}, finish_reason: 'length' }] },
          { choices: [], usage: { prompt_tokens: 3, completion_tokens: 1 } },
        )}data: [DONE]\n\n`,
      );
    });
    const provider = upstreamProvider({ url, apiKey: undefined });
    for (let round = 0; round < 2; round += 1) {
      const parts = [];
      for await (const part of await provider.start(request, signal)) parts.push(part);
      assert.deepEqual(parts, [
        { type: 'delta', text: 'Hi' },
        { type: 'finish', reason: 'length', inputTokens: 3, outputTokens: 1 },
      ]);
    }
    assert.deepEqual(asked.messages, [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ]);
    assert.equal(asked.seed, 7);
    const [responses, chat] = ['/v1/responses', '/v1/chat/completions'];
    assert.deepEqual(paths, [responses, chat, chat], 'asked again for what it does not have');
  });

  test('events cut anywhere, with any line end, are read whole', async () => {
    const bytes = new TextEncoder().encode(': hi\r\ndata: {"a":"é"}\r\n\r\ndata:b\ndata: c\n\n');
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(bytes.subarray(0, cut));
          controller.enqueue(bytes.subarray(cut));
          controller.close();
        },
      });
      const events = [];
      for await (const data of readEvents(body)) events.push(data);
      assert.deepEqual(events, ['{"a":"é"}', 'b\nc'], `cut at ${cut}`);
    }
  });

  test('its refusals are passed on: the status, the words, when to try again', async () => {
    const url = await upstream((_request, response) =>
      response
        .writeHead(429, { 'retry-after': '7' })
        .end(JSON.stringify({ error: { message: 'slow down', code: 'rate_limit_exceeded' } })),
    );
    await assert.rejects(collect(url), {
      status: 429,
      code: 'rate_limit_exceeded',
      retryAfter: '7',
      message: /answered 429: slow down/,
    });
  });

  test('its own faults, and a refused key, are a bad gateway', async () => {
    const statuses = [500, 503, 401];
    const url = await upstream((_request, response) =>
      response.writeHead(statuses[0] ?? 0).end('not well'),
    );
    for (; statuses.length > 0; statuses.shift())
      await assert.rejects(collect(url), { status: 502, message: /not well/ });
  });

  test('a server that cannot be reached is told by its setting, and shown in health', async () => {
    const url = await upstream(() => undefined);
    server?.close();
    const provider = upstreamProvider({ url, apiKey: undefined });
    await assert.rejects(provider.start(request, signal), {
      status: 502,
      code: 'upstream_unreachable',
      message: /MODEL_UPSTREAM_URL/,
    });
    assert.equal(provider.describe().status, 'unavailable');
  });

  test('a stream that breaks off, ends early or fails is not taken for complete', async () => {
    const delta = sse({ type: 'response.output_text.delta', delta: 'Hi' });
    let url = await upstream((_request, response) => {
      response.write(delta, () => response.destroy());
    });
    await assert.rejects(collect(url), { code: 'upstream_error', message: /broke off/ });
    server?.close();
    url = await upstream((_request, response) => response.end(delta));
    await assert.rejects(collect(url), { message: /before its final event/ });
    server?.close();
    const failed = { type: 'response.failed', response: { error: { message: 'out of memory' } } };
    url = await upstream((_request, response) => response.end(delta + sse(failed)));
    await assert.rejects(collect(url), { message: /out of memory/ });
  });

  test('an abort reaches it', async () => {
    const gone = Promise.withResolvers<void>();
    const url = await upstream((_request, response) => {
      response.on('close', () => gone.resolve());
      response.write(sse({ type: 'response.output_text.delta', delta: 'Hi' }));
    });
    const controller = new AbortController();
    const provider = upstreamProvider({ url, apiKey: undefined });
    const stream = await provider.start(request, controller.signal);
    await stream.next();
    const next = stream.next();
    controller.abort(new Error('enough'));
    await assert.rejects(next, /enough/);
    await gone.promise;
  });
});

describe('the service in front of another', { timeout: 280_000 }, () => {
  const folder = dataFolder();
  const env = { LASTCALL_DATA_DIR: folder.path, MODEL_TOKENS_PER_SECOND: '200' };
  let back: ServiceProcess;
  let front: ServiceProcess;
  before(async () => {
    back = await startService(env);
    front = await startService({
      ...env,
      MODEL_UPSTREAM_URL: `${back.url}/v1`,
      MODEL_UPSTREAM_NAME: 'lastcall-ngram',
    });
  });
  after(async () => {
    await front[Symbol.asyncDispose]();
    await back[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test('streams, answers and tasks come from there', async () => {
    // The seed does not go through, and with some the text would be empty.
    const certain = { input: 'The harbour', temperature: 0 };
    const { events, rest } = await streamUntil(front.url, certain, 1);
    await rest;
    assert.equal(events.at(-1)?.response?.status, 'completed');
    const cut = await post(`${front.url}/v1/responses`, {
      input: 'The harbour',
      max_output_tokens: 3,
      temperature: 0,
    });
    assert.match(await cut.text(), /"incomplete_details":\{"reason":"max_output_tokens"\}/);
    const { id } = await addTask(front.url, { input: 'The harbour' });
    await untilTask(front.url, id, 'done');
  });

  test('when it goes in the middle of a stream, the client is told; both stop in order', async () => {
    // The first to leave must not stop the PostgreSQL that both use.
    const stream = await post(`${front.url}/v1/responses`, { input: 'x', stream: true });
    await stream.text();
    await untilActive(front.url, 0);
    assert.equal(await back.end('SIGTERM'), 0, back.output());
    const refused = await post(`${front.url}/v1/responses`, { input: 'x' });
    assert.equal(refused.status, 502);
    assert.match(await refused.text(), /upstream_unreachable/);
    const { id } = await addTask(front.url, { input: 'x' });
    await untilTask(front.url, id, 'failed');
    assert.equal(await front.end('SIGTERM'), 0, front.output());
    assert.equal(folder.postmaster(), undefined);
  });
});
