import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Work } from '@lastcall/handover';
import { createLifecycle } from 'lastcall';
import { WebSocket } from 'ws';
import { LastMoments } from '../src/http/last-moments.ts';
import { TaskSockets } from '../src/sockets/sockets.ts';
import type { TaskStore } from '../src/tasks/store.ts';
import { addTask, operate, untilTask } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
const env = {
  LASTCALL_DATA_DIR: folder.path,
  MODEL_TOKENS_PER_SECOND: '100',
  TASK_CONCURRENCY: '2',
};
let one: ServiceProcess;
let two: ServiceProcess;
before(async () => {
  one = await startService(env);
  two = await startService(env);
});
after(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

test(
  'a drain that is undone: what was begun elsewhere meanwhile is told',
  { timeout: 120_000 },
  async () => {
    const socket = new WebSocket(`${one.url.replace('http', 'ws')}/v1/tasks/socket?client=hal`);
    const told: string[] = [];
    socket.on('message', (data: Buffer) => told.push(data.toString()));
    await once(socket, 'open');
    const long = { input: 'x', min_output_tokens: 50_000, client: 'hal' };
    const held = await addTask(one.url, long);
    while (!told.some((text) => text.includes(held.id))) await sleep(10);
    assert.equal(await operate(`${one.url}/-/shutdown/drain`), 202);
    while (!told.some((text) => text.includes('"closing"'))) await sleep(10);
    const { id } = await addTask(two.url, { input: 'x', max_output_tokens: 3, client: 'hal' });
    await untilTask(two.url, id, 'done');
    assert.equal(await operate(`${one.url}/shutdown/reset`), 200);
    while (!told.some((text) => text.includes('"result"') && text.includes(id))) {
      assert.equal(socket.readyState, WebSocket.OPEN);
      await sleep(10);
    }
    await fetch(`${two.url}/v1/tasks/${held.id}`, { method: 'DELETE' });
    socket.terminate();
    for (const service of [one, two])
      assert.equal(await service.end('SIGTERM'), 0, service.output());
  },
);

test(
  'a client that does not read: its results stay where they are',
  { timeout: 120_000 },
  async (t) => {
    const size = 1_000_000;
    let asked = 0;
    const work = (id: string): Work => ({
      id,
      kind: 'task',
      state: 'completed',
      input: {
        request: { model: 'm', seed: 1, messages: [{ role: 'user', text: 'x'.repeat(size) }] },
        client: 'ned',
      },
      result: { output: 'y', usage: {} },
      error: null,
      attempts: 0,
      losses: 0,
      firstSeq: 1,
      lastSeq: 0,
      createdAt: new Date(),
      startedAt: new Date(),
      endedAt: new Date(),
      cancelReason: null,
    });
    const ids = Array.from({ length: 200 }, (_, n) => String(n));
    const store = {
      owed: async () => ids,
      get: async (id: string) => {
        asked += 1;
        return work(id);
      },
      handover: { listen: () => undefined },
    } as unknown as TaskStore;
    const lifecycle = createLifecycle({ leaveMaxMs: 1 });
    const server = createServer();
    const sockets = new TaskSockets(server, { lifecycle, lastMoments: new LastMoments(lifecycle) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    sockets.serve(store);
    lifecycle.ready();
    const { port } = server.address() as AddressInfo;

    const client = connect(port, '127.0.0.1');
    t.after(async () => {
      client.destroy();
      await lifecycle.stop({ reason: 'end', leave: false });
    });
    client.write(
      'GET /v1/tasks/socket?client=ned HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(client, 'readable');
    // Every promise is made; what the kernel takes is a few megabytes.
    while (lifecycle.inFlight < 2) await sleep(10);
    await sleep(1_000);
    assert.ok(
      asked < 60,
      `${asked} results of a megabyte were fetched for a client that reads none`,
    );
    assert.ok(lifecycle.inFlight > 100, 'it is owed all of them');
    let read = 0;
    client.on('data', (chunk: Buffer) => (read += chunk.length));
    while (lifecycle.inFlight > 0) await sleep(10);
    assert.equal(asked, ids.length);
    while (read < ids.length * size) await sleep(10);
  },
);
