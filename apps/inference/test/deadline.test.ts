import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addTask, post, streamUntil, untilActive, untilTask } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
const slow = {
  LASTCALL_DATA_DIR: folder.path,
  GRACEFUL_SHUTDOWN_TIMEOUT: '1',
  MODEL_TOKENS_PER_SECOND: '50',
  TASK_CONCURRENCY: '1',
};
let service: ServiceProcess;
before(async () => {
  service = await startService(slow);
});
after(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

test(
  'at the deadline everything gets its proper end, and no task is lost',
  { timeout: 120_000 },
  async () => {
    const long = { input: 'The harbour', seed: 9, min_output_tokens: 10_000 };
    const running = await addTask(service.url, { ...long, min_output_tokens: 3_000 });
    const waiting = await addTask(service.url, { ...long, seed: 10, min_output_tokens: 10 });
    await untilTask(service.url, running.id, 'running');
    const { events, rest } = await streamUntil(service.url, long, 3);
    const answer = post(`${service.url}/v1/responses`, long);
    await untilActive(service.url, 3);

    const ended = service.end('SIGTERM');
    await rest;
    assert.equal(events.at(-1)?.type, 'response.failed');
    const failed = events.at(-1)?.response;
    assert.equal(failed?.status, 'failed');
    assert.equal(failed?.error?.code, 'server_shutting_down');
    assert.match(failed?.error?.message ?? '', /again/);
    const sent = events.map(({ delta }) => delta ?? '').join('');
    assert.equal(failed?.output[0]?.content[0]?.text, sent);
    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      events.map((_, index) => index),
    );

    const refused = await answer;
    assert.equal(refused.status, 503);
    assert.ok(refused.headers.get('retry-after'));
    const { error } = (await refused.json()) as { error: { code: string; type: string } };
    assert.equal(error.code, 'server_shutting_down');
    assert.equal(error.type, 'server_error');
    assert.equal(await ended, 3, service.output());
    assert.match(service.output(), /handed_over 1, expired 2, lost 0/);

    service = await startService({ ...slow, MODEL_TOKENS_PER_SECOND: '1000000' });
    const done = await untilTask(service.url, running.id, 'done');
    assert.equal(done.attempts, 1, 'the shutdown was charged as an attempt');
    assert.equal(done.seed, 9);
    await untilTask(service.url, waiting.id, 'done');
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  },
);
