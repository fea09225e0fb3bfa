import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ServiceError, status } from '@grpc/grpc-js';
import { addTask, eventsOf, post, type StreamEvent, untilTask } from './support/client.ts';
import { grpcAddress, inferenceClient, type InferenceClient, predict } from './support/grpc.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
let answer: (response: ServerResponse) => unknown = () => undefined;
let upstream: Server;
let service: ServiceProcess;
let client: InferenceClient;

before(async () => {
  upstream = createServer((request, response) => {
    request.resume().on('end', () => answer(response));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  service = await startService({
    LASTCALL_DATA_DIR: folder.path,
    GRPC_PORT: '0',
    MODEL_UPSTREAM_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`,
  });
  client = inferenceClient(await grpcAddress(service));
});
after(async () => {
  client.close();
  await service[Symbol.asyncDispose]();
  upstream.closeAllConnections();
  upstream.close();
  await folder[Symbol.asyncDispose]();
});

const sse = (...events: unknown[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
const delta = (text: unknown) => ({ type: 'response.output_text.delta', delta: text });
const completed = (usage: object = { input_tokens: 1, output_tokens: 1 }) => ({
  type: 'response.completed',
  response: { usage },
});
const refuse = (error: unknown): void => {
  answer = (response) => response.writeHead(500).end(JSON.stringify({ error }));
};
const refusal = async (): Promise<ServiceError> =>
  (await predict(client, { input: 'x' }).catch((error: unknown) => error)) as ServiceError;

async function collect(body: object): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  const response = await post(`${service.url}/v1/responses`, { ...body, stream: true });
  assert.equal(response.status, 200, response.ok ? '' : await response.clone().text());
  for await (const event of eventsOf(response)) events.push(event);
  return events;
}
const textOf = (events: StreamEvent[]): string => events.map((event) => event.delta ?? '').join('');

describe('whatever the model server says, the service stays', { timeout: 280_000 }, () => {
  test('words that no gRPC trailer can carry', async () => {
    for (const error of [
      { message: 'größer als erlaubt', code: 'größe' },
      { message: 'half a \ud83d', code: 'a\nb' },
      { message: 'x'.repeat(200_000), code: 'y'.repeat(100_000) },
      { message: 'numbered', code: 503 },
      { message: 'listed', code: ['a'] },
    ]) {
      refuse(error);
      const told = await refusal();
      assert.equal(told.code, status.UNAVAILABLE, `${JSON.stringify(told)}\n${service.output()}`);
      assert.match(told.details, /answered 500/);
    }
    refuse({ message: 'numbered', code: 503 });
    assert.deepEqual((await refusal()).metadata.get('error-code'), ['503']);
  });

  test('a page of words that is cut within a character', async () => {
    answer = (response) => response.writeHead(500).end(`${'x'.repeat(499)}😀 and more`);
    assert.equal((await refusal()).code, status.UNAVAILABLE, service.output());
    assert.equal(service.child.exitCode, null, service.output());
  });

  test('a name that is longer than a header', async () => {
    refuse({ message: 'no', code: 'no' });
    const long = await predict(client, { input: 'x', model: 'm'.repeat(200_000) }).catch(
      (error: unknown) => error,
    );
    assert.equal((long as ServiceError).code, status.UNAVAILABLE);
  });

  test('deltas that are no text, and figures that are none', async () => {
    answer = (response) => response.end(sse(delta('Hi'), delta({ text: 'you' }), completed()));
    const events = await collect({ input: 'x' });
    assert.equal(events.at(-1)?.response?.error?.code, 'upstream_error');
    assert.equal(textOf(events), 'Hi');

    const odd = { input_tokens: -3, output_tokens: 1.5e300 };
    answer = (response) => response.end(sse(delta('Hi'), delta(' you'), completed(odd)));
    const { id } = await addTask(service.url, { input: 'x', client: 'odd' });
    await untilTask(service.url, id, 'done');
    const usage = async (): Promise<{ tasks: number; tokens: number }> =>
      (await (await fetch(`${service.url}/v1/usage?client=odd`)).json()) as never;
    while ((await usage()).tasks === 0)
      assert.doesNotMatch(service.output(), /effect .* was not delivered/);
    assert.equal((await usage()).tokens, 2);
  });

  test('more text than can be kept: every event comes, and a last one says so', async () => {
    const part = 'a line of words. '.repeat(4_000);
    answer = (response) => {
      const send = (): void => {
        while (response.write(sse(delta(part))));
        response.once('drain', send);
      };
      send();
    };
    const events = await collect({ input: 'x', max_output_tokens: 100 });
    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      events.map((_, index) => index),
    );
    const last = events.at(-1);
    assert.equal(last?.type, 'response.failed', service.output());
    assert.match(last.response?.error?.message ?? '', /more than/);
    assert.equal(last.response?.output[0]?.content[0]?.text, textOf(events));
  });

  test('one delta that is larger than an event may be', async () => {
    answer = (response) =>
      response.end(sse(delta('Hi '), delta('x'.repeat(5_000_000)), completed()));
    const events = await collect({ input: 'x' });
    assert.equal(events.at(-1)?.type, 'response.failed');
    assert.equal(events.at(-1)?.response?.output[0]?.content[0]?.text, textOf(events));
  });

  test('a line without an end is not waited for in memory', async () => {
    answer = (response) => {
      response.write('data: "');
      const send = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', send);
      };
      send();
    };
    const events = await collect({ input: 'x' });
    assert.equal(events.at(-1)?.response?.error?.code, 'upstream_error');
  });

  test('a refusal whose words do not end is not waited for', async () => {
    answer = (response) => {
      response.writeHead(503);
      const send = (): void => {
        while (response.write('not well. '.repeat(1_000)));
        response.once('drain', send);
      };
      send();
    };
    const refused = await post(`${service.url}/v1/responses`, { input: 'x' });
    assert.equal(refused.status, 502);
    assert.match(await refused.text(), /answered 503: not well/);
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });
});
