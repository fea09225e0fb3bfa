import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  addTask,
  eventsOf,
  post,
  type StreamEvent,
  streamUntil,
  untilActive,
  untilTask,
} from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
const slow = {
  LASTCALL_DATA_DIR: folder.path,
  GRACEFUL_SHUTDOWN_TIMEOUT: '2',
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
    await untilActive(service.url, 5);

    const ended = service.end('SIGTERM');
    await rest;
    // The stream goes on in the next service; its client is told where.
    const moved = events.pop() as StreamEvent & { code: string; message: string };
    assert.deepEqual([moved.type, moved.code], ['error', 'server_shutting_down']);
    const numbers = events.map(({ sequence_number }) => sequence_number);
    assert.deepEqual(
      numbers,
      events.map((_, index) => index),
    );
    const place = /GET (\S+)$/.exec(moved.message)?.[1] ?? '';
    assert.ok(place.endsWith(`&starting_after=${numbers.at(-1)}`), place);

    const refused = await answer;
    assert.equal(refused.status, 503);
    assert.ok(refused.headers.get('retry-after'));
    const { error } = (await refused.json()) as { error: { code: string; type: string } };
    assert.equal(error.code, 'server_shutting_down');
    assert.equal(error.type, 'server_error');
    const answered = refused.headers.get('location') ?? '';
    assert.match(answered, /^\/v1\/responses\/resp_/);
    assert.equal(await ended, 0, service.output());
    // The task; the stream and the answer, and the generation of each.
    assert.match(service.output(), /handed_over 5, lost 0/);

    service = await startService({ ...slow, MODEL_TOKENS_PER_SECOND: '1000000' });
    const done = await untilTask(service.url, running.id, 'done');
    assert.equal(done.attempts, 1, 'the shutdown was charged as an attempt');
    assert.equal(done.seed, 9);
    await untilTask(service.url, waiting.id, 'done');
    for await (const event of eventsOf(await fetch(service.url + place))) events.push(event);
    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      events.map((_, index) => index),
    );
    const text = events.map(({ delta }) => delta ?? '').join('');
    assert.equal(events.at(-1)?.response?.output[0]?.content[0]?.text, text);
    const whole = await post(`${service.url}/v1/responses`, long);
    const { output } = (await whole.json()) as (typeof events)[0]['response'] & object;
    assert.equal(output[0]?.content[0]?.text, text, 'not the text of the uninterrupted run');
    for (;;) {
      const kept = await (await fetch(service.url + answered)).json();
      const { status, output: said } = kept as NonNullable<StreamEvent['response']>;
      if (status === 'in_progress') continue;
      assert.equal(said[0]?.content[0]?.text, text, 'the answer is not there');
      break;
    }
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  },
);
