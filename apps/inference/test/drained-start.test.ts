import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../scripts/ports.ts';
import { startProxy } from '../../../packages/handover/test/support/proxy.ts';
import { embeddedStorage } from '../src/storage/embedded.ts';
import type { Storage } from '../src/storage/storage.ts';
import { addTask, operate, untilTask } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
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

const limit = { timeout: 120_000 };

/** A service whose database refuses it until `open`, drained meanwhile by an operator. */
async function drained() {
  const here = { open: false };
  const proxy = await startProxy(storage.url(), () => here.open);
  const port = await freePort();
  const service = await startService(
    { DATABASE_URL: proxy.url, LASTCALL_DATA_DIR: folder.path, PORT: String(port) },
    { boot: true },
  );
  const url = `http://127.0.0.1:${port}`;
  const dispose = async (): Promise<void> => {
    await service[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  };
  try {
    await service.printed(/database/i);
    while (!(await fetch(`${url}/health`).catch(() => undefined))) await sleep(20);
    assert.equal(await operate(`${url}/-/shutdown/drain`), 202);
  } catch (error) {
    await dispose();
    throw error;
  }
  const open = (): void => {
    here.open = true;
  };
  return {
    service,
    url,
    open,
    [Symbol.asyncDispose]: dispose,
  };
}

async function works(service: ServiceProcess, url: string): Promise<void> {
  while ((await fetch(`${url}/ready`)).status !== 200) await sleep(20);
  const { id } = await addTask(url, { input: 'The harbour', max_output_tokens: 3 });
  await untilTask(url, id, 'done');
  assert.equal(await service.end('SIGTERM'), 0, service.output());
}

test(
  'a drain while the database is down, undone before it comes: then it is ready',
  limit,
  async () => {
    await using start = await drained();
    assert.equal(await operate(`${start.url}/shutdown/reset`), 200);
    start.open();
    await works(start.service, start.url);
  },
);

test(
  'a drain while the database is down, undone after it has come: then it is ready',
  limit,
  async () => {
    await using start = await drained();
    start.open();
    type Health = { storage: { status: string } };
    const status = async (): Promise<string> =>
      ((await (await fetch(`${start.url}/v1/health`)).json()) as Health).storage.status;
    while ((await status()) !== 'healthy') await sleep(20);
    assert.equal((await fetch(`${start.url}/ready`)).status, 503);
    assert.equal(await operate(`${start.url}/shutdown/reset`), 200);
    await works(start.service, start.url);
  },
);

test('a drain while the database is down, and then a signal: it ends', limit, async () => {
  await using start = await drained();
  assert.equal(await start.service.end('SIGTERM'), 0, start.service.output());
});
