import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLifecycle } from 'lastcall';
import OpenAI from 'openai';
import { becomesJob } from '../src/predict/becomes-job.ts';
import { eventsOf, post, type StreamEvent, untilActive } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
let service: ServiceProcess;
before(async () => {
  service = await startService({
    LASTCALL_DATA_DIR: folder.path,
    MODEL_TOKENS_PER_SECOND: '200',
    GRACEFUL_SHUTDOWN_TIMEOUT: '2',
  });
});
after(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const short = { input: 'The harbour', seed: 4, min_output_tokens: 20, max_output_tokens: 20 };
const endless = { input: 'The harbour', min_output_tokens: 90_000 };

interface Told {
  readonly id: string;
  readonly status: string;
  readonly output_text?: string;
  readonly output: { content: { text: string }[] }[];
  readonly error: { code: string; message: string; earliest?: number };
}

const begin = async (body: object, path = '/v1/responses'): Promise<Told> =>
  (await (await post(service.url + path, body)).json()) as Told;
const get = async (path: string, init?: RequestInit): Promise<[number, Told]> => {
  const response = await fetch(service.url + path, init);
  return [response.status, (await response.json()) as Told];
};
async function collect(response: Response): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of eventsOf(response)) events.push(event);
  return events;
}

describe('responses that outlive their connection', { timeout: 280_000 }, () => {
  test('in the background: queued, then there, as a stream from any number', async () => {
    const { id, status } = await begin({ ...short, background: true });
    assert.equal(status, 'queued');
    const stream = await fetch(`${service.url}/v1/responses/${id}?stream=true`);
    const events = await collect(stream);
    const [, done] = await get(`/v1/responses/${id}`);
    assert.equal(done.status, 'incomplete');
    const text = events.map(({ delta }) => delta ?? '').join('');
    assert.equal(done.output[0]?.content[0]?.text, text);

    const later = await fetch(`${service.url}/v1/responses/${id}?stream=true&starting_after=7`);
    assert.deepEqual(await collect(later), events.slice(8));
    const header = { headers: { 'last-event-id': '7' } };
    const same = await fetch(`${service.url}/v1/responses/${id}?stream=true`, header);
    assert.deepEqual(await collect(same), events.slice(8));
    const last = events.length - 1;
    const none = await fetch(
      `${service.url}/v1/responses/${id}?stream=true&starting_after=${last}`,
    );
    assert.deepEqual(await collect(none), []);
    const [past, told] = await get(`/v1/responses/${id}?stream=true&starting_after=${last + 1}`);
    assert.deepEqual([past, told.error.code], [400, 'starting_after_past_end']);
    assert.match(told.error.message, new RegExp(`last event is ${last}\\.`));
  });

  test('the official client begins, resumes and cancels', async () => {
    const client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const stream = await client.responses.create({
      model: 'lastcall-ngram',
      input: 'The harbour',
      // Not known to the client's types.
      ...({ min_output_tokens: 90_000 } as object),
      background: true,
      stream: true,
    });
    let [id, last] = ['', -1];
    for await (const event of stream) {
      if (event.type === 'response.created') ({ id } = event.response);
      last = event.sequence_number;
      if (last === 8) break;
    }
    const rest = await client.responses.retrieve(id, { stream: true, starting_after: last });
    for await (const event of rest) {
      assert.equal(event.sequence_number, (last += 1));
      if (last === 20) break;
    }
    assert.equal((await client.responses.cancel(id)).status, 'cancelled');
    assert.equal((await client.responses.retrieve(id)).status, 'cancelled');
  });

  test('an answer is kept, and the same key names the same response in every form', async () => {
    const whole = await begin(short);
    assert.deepEqual((await get(`/v1/responses/${whole.id}`))[1], whole);
    const send = (fields: object, key: string, sender = 'Bearer a'): Promise<Response> =>
      fetch(`${service.url}/v1/responses`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': key,
          authorization: sender,
        },
        body: JSON.stringify({ ...short, seed: undefined, ...fields }),
      });
    const first = (await (await send({}, 'k')).json()) as Told;
    assert.deepEqual(await (await send({}, 'k')).json(), first);
    assert.deepEqual(await (await send({ background: true }, 'k')).json(), first);
    const streamed = await collect(await send({ stream: true }, 'k'));
    assert.deepEqual(streamed.at(-1)?.response, first);
    const other = (await (await send({}, 'k', 'Bearer b')).json()) as Told;
    assert.notEqual(other.id, first.id, "a key is its sender's own");
  });

  test('an answer that nobody waits for any more is cancelled, unless it has a key', async () => {
    for (const [key, outcome] of [
      [undefined, 'cancelled'],
      ['l', 'incomplete'],
    ] as const) {
      await untilActive(service.url, 0);
      const gone = new AbortController();
      const request = fetch(`${service.url}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) },
        body: JSON.stringify({ ...short, min_output_tokens: 400, max_output_tokens: 400 }),
        signal: gone.signal,
      });
      await untilActive(service.url, 2);
      gone.abort();
      await assert.rejects(request);
      await untilActive(service.url, 0);
      const metrics = await (await fetch(`${service.url}/metrics`)).text();
      const ended = key ? 'completed' : 'cancelled';
      assert.match(metrics, new RegExp(`kind="generation",outcome="${ended}"`), outcome);
    }
  });

  test('cancelled while it is read: the stream ends, once and for every reader', async () => {
    const { id } = await begin({ ...endless, background: true });
    const path = `${service.url}/v1/responses/${id}`;
    const reading = eventsOf(await fetch(`${path}?stream=true`));
    const events: StreamEvent[] = [];
    for await (const event of reading) {
      events.push(event);
      if (events.length === 10) await post(`${path}/cancel`, {});
    }
    const final = events.at(-1);
    assert.equal(final?.response?.status, 'cancelled');
    assert.equal(final.sequence_number, events.length - 1);
    const after = `${path}?stream=true&starting_after=${events.length - 2}`;
    assert.deepEqual(await collect(await fetch(after)), [final]);
    const none = `${path}?stream=true&starting_after=${events.length - 1}`;
    assert.deepEqual(await collect(await fetch(none)), []);
  });

  test('unknown ones and bad numbers are told', async () => {
    for (const id of ['resp_x', `resp_${'0'.repeat(32)}`, 'x'])
      for (const query of ['', '?stream=true']) {
        const [status] = await get(`/v1/responses/${id}${query}`);
        assert.equal(status, 404, id + query);
      }
    const { id } = await begin({ ...short, background: true });
    for (const query of ['starting_after=-1', 'starting_after=x', 'stream=maybe', 'other=1'])
      assert.equal((await get(`/v1/responses/${id}?${query}`))[0], 400, query);
    const bad = await get(`/v1/responses/${id}?stream=true`, { headers: { 'last-event-id': 'x' } });
    assert.equal(bad[0], 400);
    assert.equal((await post(`${service.url}/v1/responses/resp_x/cancel`, {})).status, 404);
  });
});

describe('POST /v1/predict', { timeout: 280_000 }, () => {
  test('answers with the whole text; the same key names the same prediction', async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'a-b-c' };
    const ask = { method: 'POST', headers, body: JSON.stringify(short) };
    const [status, first] = await get('/v1/predict', ask);
    assert.equal(status, 200);
    const whole = await begin(short);
    assert.equal(first.output_text, whole.output[0]?.content[0]?.text);
    const [, second] = await get('/v1/predict', ask);
    assert.equal(second.id, first.id);
    assert.deepEqual((await get(`/v1/predictions/${first.id}`))[1], first);
    assert.equal((await get('/v1/predictions/pred_x'))[0], 404);
    const [refused, told] = await get('/v1/predict', {
      ...ask,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...short, model: 'gpt-9' }),
    });
    assert.deepEqual([refused, told.error.code], [404, 'model_not_found']);
  });

  test('becomes a job as soon as its estimate passes the deadline of a stop', async () => {
    for (const [tookMs, expected] of [
      [60_000, 'job'],
      [10, 'waits'],
    ] as const) {
      const lifecycle = createLifecycle({ graceMs: 5_000 });
      lifecycle.ready();
      const open = () => {
        const lease = lifecycle.admit({ kind: 'predict', label: 'up to 1024 tokens' });
        assert.ok(lease.admitted);
        return lease;
      };
      for (let n = 0; n < 30; n += 1) {
        const lease = open();
        lease.end('completed', lease.startedMs + tookMs);
      }
      const [never, over] = [new AbortController(), new AbortController()];
      const lease = open();
      const job = becomesJob(lifecycle, lease, never.signal, over.signal);
      const drained = lifecycle.drain({ reason: 'test' });
      await lifecycle.when('draining');
      assert.equal(await Promise.race([job, Promise.resolve('waits')]), expected);
      over.abort();
      lease.end();
      await drained;
      await lifecycle.stop({ reason: 'test' });
    }
  });

  // Last: it ends the service.
  test('where a stop comes in between, the answer is its place, and the result is there', async () => {
    const long = { ...short, min_output_tokens: 3_000, max_output_tokens: 3_000 };
    const answer = post(`${service.url}/v1/predict`, long);
    while (!(await (await fetch(`${service.url}/metrics`)).text()).includes('kind="predict"} 1')) {
      // Until it has been admitted.
    }
    const ended = service.end('SIGTERM');
    const place = await answer;
    assert.equal(place.status, 202);
    const { id, status } = (await place.json()) as Told;
    assert.equal(status, 'in_progress');
    assert.equal(place.headers.get('location'), `/v1/predictions/${id}`);
    assert.equal(await ended, 0, service.output());

    service = await startService({
      LASTCALL_DATA_DIR: folder.path,
      MODEL_TOKENS_PER_SECOND: '1000000',
    });
    for (;;) {
      const [code, told] = await get(`/v1/predictions/${id}`);
      if (code === 202) continue;
      assert.equal(code, 200);
      assert.equal(told.output_text, (await begin(long)).output[0]?.content[0]?.text);
      break;
    }
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });
});
