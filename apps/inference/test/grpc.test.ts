import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ServiceError, status } from '@grpc/grpc-js';
import { post, untilActive } from './support/client.ts';
import {
  grpcAddress,
  health,
  inferenceClient,
  type InferenceClient,
  predict,
  read,
  openReflection,
  reflect,
  textOf,
} from './support/grpc.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
const env = {
  LASTCALL_DATA_DIR: folder.path,
  GRPC_PORT: '0',
  MODEL_TOKENS_PER_SECOND: '100',
};
const short = { input: 'The harbour', seed: 7, maxOutputTokens: 20 };
const long = { input: 'The harbour', seed: 7, minOutputTokens: 400, maxOutputTokens: 400 };
const endless = { input: 'The harbour', minOutputTokens: 90_000 };
const codeOf = (error: unknown): number | undefined => (error as ServiceError | undefined)?.code;

describe('gRPC', { timeout: 280_000 }, () => {
  let service: ServiceProcess;
  let address: string;
  let client: InferenceClient;
  before(async () => {
    service = await startService(env);
    address = await grpcAddress(service);
    client = inferenceClient(address);
  });
  after(async () => {
    client.close();
    await service[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test('Predict and StreamPredict say what the HTTP API says for the same seed', async () => {
    const answer = await predict(client, short);
    const body = { input: short.input, seed: short.seed, max_output_tokens: 20 };
    const response = await (await post(`${service.url}/v1/responses`, body)).json();
    const { output } = response as { output: { content: { text: string }[] }[] };
    assert.equal(answer.outputText, output[0]?.content[0]?.text);
    assert.equal(answer.model, 'lastcall-ngram');
    const { parts, ended } = read(client.streamPredict(short));
    assert.equal(await ended, undefined);
    assert.equal(textOf(parts), answer.outputText);
    assert.deepEqual(
      parts.map(({ sequenceNumber }) => sequenceNumber),
      parts.map((_, index) => index),
    );
    const last = parts.at(-1);
    assert.deepEqual(last && 'finish' in last && last.finish, answer.finish);
    assert.equal(answer.finish.inputTokens, 2);
  });

  test('a bad parameter and an unknown model are told by code, field and reason', async () => {
    const bad = predict(client, { ...short, temperature: 9 });
    await assert.rejects(bad, { code: status.INVALID_ARGUMENT, details: /temperature: / });
    const { ended } = read(client.streamPredict({ ...short, model: 'other' }));
    const error = await ended;
    assert.equal(codeOf(error), status.NOT_FOUND);
    assert.deepEqual(error?.metadata.get('error-code'), ['model_not_found']);
  });

  test("the client's cancel and its deadline end the work", async () => {
    const stream = client.streamPredict(endless);
    const { came, ended } = read(stream);
    await came(3);
    await untilActive(service.url, 1);
    stream.cancel();
    assert.equal(codeOf(await ended), status.CANCELLED);
    await untilActive(service.url, 0);
    const late = predict(client, endless, Date.now() + 500);
    await assert.rejects(late, { code: status.DEADLINE_EXCEEDED });
    await untilActive(service.url, 0);
  });

  test('reflection describes the service', async () => {
    const { listServicesResponse: services } = await reflect(address, { listServices: '*' });
    assert.deepEqual(services?.service, [{ name: 'lastcall.inference.v1.Inference' }]);
    const symbol = 'lastcall.inference.v1.Inference';
    const { fileDescriptorResponse: files } = await reflect(address, {
      fileContainingSymbol: symbol,
    });
    const text = Buffer.concat(files?.fileDescriptorProto ?? []).toString('latin1');
    assert.match(text, /StreamPredict/);
  });

  test('a drain: running calls finish, new ones are UNAVAILABLE with a push-back, health tells', async () => {
    // An open stream of questions is no work: it is not counted, and does not hold the drain.
    const asking = await openReflection(address, { listServices: '*' });
    const { parts, came, ended } = read(client.streamPredict(long));
    const running = predict(client, long);
    await came(3);
    // However long the questions below take, the drain does not end before this is cancelled.
    const holding = client.streamPredict(endless);
    const held = read(holding);
    await held.came(1);
    await untilActive(service.url, 3);
    const watcher = inferenceClient(address);
    assert.equal(await health(watcher), 'SERVING');
    const exit = service.end('SIGTERM');
    for (;;) if ((await fetch(`${service.url}/ready`)).status === 503) break;
    const newcomer = inferenceClient(address);
    const refused = await predict(newcomer, short).catch((error: unknown) => error);
    assert.equal(codeOf(refused), status.UNAVAILABLE);
    assert.ok(Number((refused as ServiceError).metadata.get('grpc-retry-pushback-ms')[0]) > 0);
    assert.equal(await health(newcomer), 'NOT_SERVING');
    const unanswered = await openReflection(address, { listServices: '*' }).catch(codeOf);
    assert.equal(unanswered, status.UNAVAILABLE);
    newcomer.close();
    watcher.close();
    assert.equal(codeOf(await asking.ended), status.UNAVAILABLE);
    assert.equal(await ended, undefined);
    assert.equal(textOf(parts), (await running).outputText);
    assert.equal(parts.length, 401);
    holding.cancel();
    assert.equal(codeOf(await held.ended), status.CANCELLED);
    assert.equal(await exit, 0, service.output());
    assert.match(service.output(), /lost 0/);
    asking.close();
  });

  test('at the deadline a call that still runs is told', async () => {
    await using leaving = await startService({ ...env, GRACEFUL_SHUTDOWN_TIMEOUT: '1' });
    const other = inferenceClient(await grpcAddress(leaving));
    const { came, ended } = read(other.streamPredict(endless));
    const running = predict(other, endless).catch((error: unknown) => error);
    await came(3);
    await untilActive(leaving.url, 2);
    assert.equal(await leaving.end('SIGTERM'), 3, leaving.output());
    const error = await ended;
    assert.equal(codeOf(error), status.DEADLINE_EXCEEDED);
    assert.deepEqual(error?.metadata.get('error-code'), ['server_shutting_down']);
    assert.equal(codeOf(await running), status.DEADLINE_EXCEEDED);
    other.close();
  });

  test('a port that is taken ends the start with 2 and says what to do', async () => {
    await using first = await startService(env);
    const taken = (await grpcAddress(first)).split(':')[1] ?? '';
    await using second = await startService({ ...env, GRPC_PORT: taken }, { boot: true });
    assert.equal(await second.ended, 2, second.output());
    assert.match(second.output(), /GRPC_PORT: expected a free address, got .*EADDRINUSE/);
    assert.equal(await first.end('SIGTERM'), 0, first.output());
  });
});
