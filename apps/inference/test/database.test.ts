import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startProxy } from '../../../packages/handover/test/support/proxy.ts';
import { embeddedStorage } from '../src/storage/embedded.ts';
import type { Storage } from '../src/storage/storage.ts';
import { addTask, getTask, post, untilTask } from './support/client.ts';
import { startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

// A PostgreSQL of the test's own, which the services know by DATABASE_URL alone.
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
  MODEL_TOKENS_PER_SECOND: '100',
  TASK_CONCURRENCY: '1',
});
// Without a seed each text is another, and some end by themselves before the fifth token.
const task = { input: 'The harbour', min_output_tokens: 5, max_output_tokens: 5 };

async function query<R extends pg.QueryResultRow>(sql: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: storage.url() });
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('with DATABASE_URL', { timeout: 280_000 }, () => {
  test('uses that server, says so, and leaves it running', async () => {
    await using service = await startService(env());
    const health = await (await fetch(`${service.url}/v1/health`)).json();
    assert.deepEqual((health as { storage: object }).storage, {
      type: 'postgresql',
      status: 'healthy',
    });
    const { id } = await addTask(service.url, task);
    await untilTask(service.url, id, 'done');
    assert.equal(await service.end('SIGTERM'), 0, service.output());
    assert.equal((await query('select 1 as one')).length, 1);
    // No session is left open: the server ends each a moment after its client.
    const sessions = `select from pg_stat_activity where application_name ~ '^lastcall.(inference|handover)'`;
    while ((await query(sessions)).length > 0) await sleep(20);
  });

  test('two services share the queue: each task runs once; what a killed one held runs again', async () => {
    await using one = await startService(env());
    await using two = await startService(env());
    const tasks = await Promise.all(
      Array.from({ length: 20 }, (_, seed) =>
        addTask(seed % 2 ? one.url : two.url, { ...task, seed }),
      ),
    );
    for (const { id } of tasks)
      assert.equal((await untilTask(one.url, id, 'done')).attempts, 1, id);

    const long = { ...task, min_output_tokens: 300, max_output_tokens: 300 };
    const held = [await addTask(one.url, long), await addTask(one.url, long)];
    for (const { id } of held) await untilTask(two.url, id, 'running');
    await one.end('SIGKILL');
    const attempts = [];
    for (const { id } of held) attempts.push((await untilTask(two.url, id, 'done')).attempts);
    assert.deepEqual(new Set(attempts), new Set([1, 2]));
    assert.match(two.output(), /worker \d+ \(process \d+ on .*\) is gone: others have its work/);
    assert.equal(await two.end('SIGTERM'), 0, two.output());
  });

  test('a task is revoked through another service than the one that runs it', async () => {
    await using one = await startService(env());
    const { id } = await addTask(one.url, { input: 'x', min_output_tokens: 90_000 });
    await untilTask(one.url, id, 'running');
    await using two = await startService(env());
    await fetch(`${two.url}/v1/tasks/${id}`, { method: 'DELETE' });
    const next = await addTask(one.url, task);
    await untilTask(one.url, next.id, 'done');
    assert.equal((await getTask(one.url, id)).status, 'revoked');
    assert.equal(await one.end('SIGTERM'), 0, one.output());
    assert.equal(await two.end('SIGTERM'), 0, two.output());
  });

  test('a lost session: it is made again, and what runs goes on', async () => {
    await using service = await startService(env());
    const { id } = await addTask(service.url, {
      ...task,
      min_output_tokens: 100,
      max_output_tokens: 100,
    });
    await untilTask(service.url, id, 'running');
    await query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name ~ '^lastcall.(inference|handover)'`,
    );
    await service.printed(/connection is lost/);
    assert.equal((await untilTask(service.url, id, 'done')).attempts, 1);
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });

  test('events that are no longer kept are 410, with the earliest number that is', async () => {
    await using service = await startService(env());
    const { id } = (await (
      await post(`${service.url}/v1/responses`, { ...task, background: true })
    ).json()) as { id: string };
    const stream = `${service.url}/v1/responses/${id}?stream=true`;
    await (await fetch(stream)).text();
    await query(`with old as (delete from handover.chunks c using handover.works w
      where c.work = w.num and w.id = '${id}' and c.first <= 3 returning c.work, c.last)
      update handover.works w set first_seq = o.last + 1
      from (select work, max(last) as last from old group by work) o where w.num = o.work`);
    const gone = await fetch(stream);
    assert.equal(gone.status, 410);
    const { error } = (await gone.json()) as { error: { code: string; earliest: number } };
    assert.equal(error.code, 'events_expired');
    assert.ok(error.earliest >= 3, JSON.stringify(error));
    const rest = await fetch(`${stream}&starting_after=${error.earliest - 1}`);
    assert.match(await rest.text(), new RegExp(`^event: .*\ndata: .*\nid: ${error.earliest}\n`));
    const whole = await fetch(`${service.url}/v1/responses/${id}`);
    assert.match(await whole.text(), /"status":"incomplete"/);
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });

  test('a database from before is migrated with its tasks', async () => {
    await query('drop schema inference cascade');
    const first = readFileSync(new URL('../migrations/001_tasks.sql', import.meta.url), 'utf8');
    await query(`create schema inference;
      create table inference.migrations (version integer primary key, name text not null);
      insert into inference.migrations values (1, '001_tasks.sql'); ${first}`);
    const request = {
      model: 'lastcall-ngram',
      messages: [{ role: 'user', text: 'x' }],
      seed: 1,
      temperature: 1,
      minOutputTokens: 3,
      maxOutputTokens: 3,
    };
    const [queued, done] = [randomUUID(), randomUUID()];
    await query(`insert into inference.tasks (id, request) values ('${queued}', '${JSON.stringify(request)}');
      insert into inference.tasks (id, status, request, output, usage, finished_at) values
        ('${done}', 'done', '${JSON.stringify(request)}', 'text', '{"input_tokens":1,"output_tokens":1}', now())`);
    await using service = await startService(env());
    assert.equal((await getTask(service.url, done)).output_text, 'text');
    await untilTask(service.url, queued, 'done');
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });

  test('a database that is down at boot is waited for; the service is not ready meanwhile', async () => {
    await storage.stop();
    await using service = await startService({ ...env(), PORT: '0' }, { boot: true });
    await service.printed(/waiting for the database: .*ECONNREFUSED/);
    await storage.ensure();
    const url = (await service.printed(/^Ready after .*: (\S+)$/m))[1] ?? '';
    assert.equal((await fetch(`${url}/ready`)).status, 200);
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });

  test('a database that goes away in the middle of the start is waited for', async () => {
    let cuts = 4;
    await using proxy = await startProxy(storage.url(), (first) => {
      // The service's own pool, which is opened once the handover stands.
      if (!first.includes('lastcall-inference') || cuts === 0) return true;
      cuts -= 1;
      return false;
    });
    await using service = await startService({ ...env(), DATABASE_URL: proxy.url });
    assert.equal(cuts, 0);
    assert.equal((await fetch(`${service.url}/ready`)).status, 200);
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });

  test('SIGTERM while it waits for the database ends it', async () => {
    const gone = storage.url().replace(/:\d+\//, ':1/');
    await using service = await startService({ ...env(), DATABASE_URL: gone }, { boot: true });
    await service.printed(/waiting for the database/);
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });

  test('a wrong password and a newer schema are told at once, exit 2', async () => {
    const wrong = storage.url().replace(/:[^:@]+@/, ':wrong@');
    await using first = await startService({ ...env(), DATABASE_URL: wrong }, { boot: true });
    assert.equal(await first.ended, 2, first.output());
    assert.match(first.output(), /password authentication failed/);

    await query(`insert into inference.migrations values (999, '999_future.sql')`);
    await using second = await startService(env(), { boot: true });
    assert.equal(await second.ended, 2, second.output());
    assert.match(second.output(), /migration 999, this service knows/);
    await query('delete from inference.migrations where version = 999');
  });

  test('a request that needs the database while it is away gets 503, and others their answer', async () => {
    await using service = await startService(env());
    await storage.stop();
    for (const path of ['/v1/tasks', '/v1/responses']) {
      const refused = await post(service.url + path, task);
      assert.equal(refused.status, 503, path);
      assert.match(await refused.text(), /database_unavailable/);
    }
    const health = await (await fetch(`${service.url}/v1/health`)).text();
    assert.match(health, /"storage":\{"type":"postgresql","status":"unavailable"\}/);
    assert.equal((await fetch(`${service.url}/v1/models`)).status, 200);
    await storage.ensure();
    await service.printed(/the database is there/);
    const { id } = await addTask(service.url, task);
    await untilTask(service.url, id, 'done');
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });
});
