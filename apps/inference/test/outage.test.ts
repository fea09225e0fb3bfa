import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { embeddedStorage } from '../src/storage/embedded.ts';
import type { Storage } from '../src/storage/storage.ts';
import { eventsOf, post, type StreamEvent, untilTask } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

/** Longer than a worker's lease (5 s): nobody may be taken for dead because of it. */
const outageMs = 10_000;
const client = 'outage';
const folder = dataFolder();
let storage: Storage;
before(async () => {
  storage = await embeddedStorage(folder.path, () => undefined);
});
after(async () => {
  await storage.stop();
  await folder[Symbol.asyncDispose]();
});

/** What one client was told. */
interface Told {
  readonly ids: string[];
  refused: number;
}

/** Adds tasks, each until it is acknowledged, for as long as `go` says. A task sent again has the same key. */
async function addTasks(
  service: ServiceProcess,
  name: string,
  go: () => boolean,
  told: Told,
): Promise<void> {
  for (let n = 0; go(); n += 1) {
    for (;;) {
      const response = await fetch(`${service.url}/v1/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `${name} ${n}` },
        body: JSON.stringify({ input: 'The harbour', client, seed: n, max_output_tokens: 5 }),
      });
      const text = await response.text();
      if (response.status === 202) {
        told.ids.push((JSON.parse(text) as { id: string }).id);
        break;
      }
      assert.equal(response.status, 503, `${text}\n${service.output()}`);
      assert.match(text, /database_unavailable/);
      assert.ok(Number(response.headers.get('retry-after')) > 0);
      told.refused += 1;
      await sleep(100);
    }
    await sleep(20);
  }
}

const statusOf = async (url: string): Promise<number> => (await fetch(`${url}/ready`)).status;

async function untilReady(url: string, status: number): Promise<void> {
  while ((await statusOf(url)) !== status) await sleep(20);
}

test(
  'PostgreSQL is away for 10 s under load: told, and nothing acknowledged is lost',
  { timeout: 180_000 },
  async () => {
    const env = {
      DATABASE_URL: storage.url(),
      LASTCALL_DATA_DIR: folder.path,
      MODEL_TOKENS_PER_SECOND: '50',
      TASK_CONCURRENCY: '4',
    };
    await using one = await startService(env);
    await using two = await startService(env);
    const services: readonly ServiceProcess[] = [one, two];
    let adding = true;
    const told: Told = { ids: [], refused: 0 };
    const clients = services.flatMap((service, at) =>
      [0, 1].map((n) => addTasks(service, `client ${at} ${n}`, () => adding, told)),
    );
    const loaded = Promise.all(clients);
    loaded.catch(() => undefined); // told below
    const long = {
      input: 'The harbour',
      stream: true,
      min_output_tokens: 200,
      max_output_tokens: 200,
    };
    const stream = eventsOf(await post(`${one.url}/v1/responses`, long));
    const events: StreamEvent[] = [];
    const read = (async () => {
      try {
        for await (const event of stream) events.push(event);
      } catch (cause) {
        throw new Error(`the stream broke off after ${events.length} events:\n${one.output()}`, {
          cause,
        });
      }
    })();
    while (told.ids.length < 20 || events.length < 5) await Promise.race([loaded, sleep(20)]);

    const before = told.ids.length;
    await storage.stop();
    for (const { url } of services) {
      await untilReady(url, 503);
      const ready = (await (await fetch(`${url}/ready`)).json()) as Record<string, unknown>;
      assert.deepEqual(
        [ready.status, ready.message],
        ['unavailable', 'The storage is unavailable'],
      );
      assert.equal((await fetch(`${url}/health`)).status, 200);
      const health = await (await fetch(`${url}/v1/health`)).text();
      assert.match(health, /"storage":\{"type":"postgresql","status":"unavailable"\}/);
    }
    await sleep(outageMs);
    assert.ok(told.refused > 0, 'no client was refused');
    for (const { url } of services) assert.equal(await statusOf(url), 503);

    await storage.ensure();
    for (const { url } of services) await untilReady(url, 200);
    const after = told.ids.length;
    while (told.ids.length < after + 20) await Promise.race([loaded, sleep(20)]);
    adding = false;
    await loaded;
    assert.ok(before >= 20);

    for (const id of told.ids) {
      const task = await untilTask(two.url, id, 'done');
      assert.equal(task.attempts, 1, `task ${id} was begun ${task.attempts} times`);
    }
    await read;
    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      events.map((_, index) => index),
    );
    assert.equal(events.at(-1)?.type, 'response.incomplete');

    // One task for each key, and its cost written down once.
    assert.equal(new Set(told.ids).size, told.ids.length);
    const usage = async (): Promise<number> => {
      const response = await fetch(`${two.url}/v1/usage?client=${client}`);
      return ((await response.json()) as { tasks: number }).tasks;
    };
    while ((await usage()) < told.ids.length) await sleep(50);
    assert.equal(await usage(), told.ids.length);
    for (const service of services) assert.equal(await service.end('SIGTERM'), 0, service.output());
  },
);
