import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { freePort } from '../../../scripts/ports.ts';
import { startProxy } from '../../../packages/handover/test/support/proxy.ts';
import { embeddedStorage } from '../src/storage/embedded.ts';
import type { Storage } from '../src/storage/storage.ts';
import { operate, post, type TaskView, untilTask } from './support/client.ts';
import { startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
let storage: Storage;
before(async () => {
  storage = await embeddedStorage(folder.path, () => undefined);
});
after(async () => {
  await storage.stop();
  await folder[Symbol.asyncDispose]();
});
const env = (): Record<string, string> => ({
  DATABASE_URL: storage.url(),
  LASTCALL_DATA_DIR: folder.path,
  MODEL_TOKENS_PER_SECOND: '1000',
});
const limit = { timeout: 120_000 };

async function query(...statements: string[]): Promise<pg.QueryResult[]> {
  const client = new pg.Client({ connectionString: storage.url() });
  await client.connect();
  try {
    const results = [];
    for (const statement of statements) results.push(await client.query(statement));
    return results;
  } finally {
    await client.end();
  }
}

test('the key of a task that is kept no longer makes a new one', limit, async () => {
  await using service = await startService(env());
  const send = async (): Promise<TaskView> => {
    const response = await fetch(`${service.url}/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'each week' },
      body: JSON.stringify({ input: 'The harbour', max_output_tokens: 3, client: 'ida' }),
    });
    const text = await response.text();
    assert.equal(response.status, 202, text);
    return JSON.parse(text) as TaskView;
  };
  const { id } = await send();
  await untilTask(service.url, id, 'done');
  // As the retention of the handover does after a week.
  await query(`delete from handover.works where id = '${id}'`);
  assert.equal((await send()).status, 'queued');
  await untilTask(service.url, id, 'done');
  assert.equal(await service.end('SIGTERM'), 0, service.output());
});

test('a database that goes silent is told, and not waited for', limit, async () => {
  await using proxy = await startProxy(storage.url(), () => true);
  await using service = await startService({ ...env(), DATABASE_URL: proxy.url });
  const task = { input: 'The harbour', max_output_tokens: 3 };
  // Connections that were in use a moment ago are taken without being asked.
  assert.equal((await post(`${service.url}/v1/tasks`, task)).status, 202);
  proxy.freeze();
  const answer = await fetch(`${service.url}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(task),
    signal: AbortSignal.timeout(30_000),
  });
  assert.equal(answer.status, 503, await answer.text());
  await service.end('SIGKILL');
});

test('a prediction whose client went before it was added is cancelled', limit, async () => {
  await using service = await startService(env());
  const blocker = new pg.Client({ connectionString: storage.url() });
  await blocker.connect();
  await blocker.query('begin');
  await blocker.query('lock table handover.works in exclusive mode');
  const client = new AbortController();
  const request = fetch(`${service.url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: 'The harbour', min_output_tokens: 90_000 }),
    signal: client.signal,
  });
  const admitted = async (kind: string, count: number): Promise<boolean> => {
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    return metrics.includes(`in_flight_requests{kind="${kind}"} ${count}\n`);
  };
  while (!(await admitted('predict', 1)));
  client.abort();
  await assert.rejects(request);
  while (!(await admitted('predict', 0)));
  await blocker.query('commit');
  await blocker.end();
  const state = async (): Promise<unknown> => {
    const [result] = await query(`select state from handover.works where kind = 'prediction'`);
    return result?.rows[0]?.state;
  };
  while (((await state()) ?? 'running') === 'running');
  assert.equal(await state(), 'cancelled');
  assert.equal(await service.end('SIGTERM'), 0, service.output());
});

test('a service that leaves while it starts answers 503', limit, async () => {
  const port = await freePort();
  const gone = storage.url().replace(/:\d+\//, ':1/');
  await using service = await startService(
    {
      ...env(),
      DATABASE_URL: gone,
      PORT: String(port),
      LASTCALL_LEAVE_MIN_MS: '5000',
      LASTCALL_LEAVE_MAX_MS: '5000',
    },
    { boot: true },
  );
  await service.printed(/waiting for the database/);
  const url = `http://127.0.0.1:${port}`;
  assert.equal(await operate(`${url}/shutdown/initiate`), 200);
  for (const path of ['/v1/tasks', '/v1/responses', '/v1/predict']) {
    const refused = await post(url + path, { input: 'x' });
    assert.equal(refused.status, 503, `${path}: ${await refused.clone().text()}`);
    assert.ok(refused.headers.get('retry-after'));
  }
});

test('many predictions at once are no leak of listeners', limit, async () => {
  await using service = await startService(env());
  const asked = Array.from({ length: 15 }, (_, seed) =>
    post(`${service.url}/v1/predict`, {
      input: 'The harbour',
      seed,
      max_output_tokens: 300,
      min_output_tokens: 300,
    }),
  );
  for (const answer of asked) assert.equal((await answer).status, 200);
  assert.equal(await service.end('SIGTERM'), 0, service.output());
  assert.doesNotMatch(service.output(), /Warning/);
});
