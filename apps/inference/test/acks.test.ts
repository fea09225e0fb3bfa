import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLifecycle } from 'lastcall';
import { WebSocket } from 'ws';
import { LastMoments } from '../src/http/last-moments.ts';
import { TaskSockets } from '../src/sockets/sockets.ts';
import type { TaskStore } from '../src/tasks/store.ts';

test(
  'many acknowledgements at once are one statement at a time',
  { timeout: 30_000 },
  async (t) => {
    const has = new Set<string>();
    let [statements, under, most] = [0, 0, 0];
    const store = {
      owed: async () => [],
      acknowledge: async (_client: string, ids: string | readonly string[]) => {
        statements += 1;
        most = Math.max(most, (under += 1));
        await sleep(20);
        under -= 1;
        for (const id of [ids].flat()) has.add(id);
      },
      handover: { listen: () => undefined },
    } as unknown as TaskStore;
    const lifecycle = createLifecycle({ leaveMaxMs: 1 });
    const server = createServer();
    const sockets = new TaskSockets(server, { lifecycle, lastMoments: new LastMoments(lifecycle) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => lifecycle.stop({ reason: 'end', leave: false }));
    sockets.serve(store);
    lifecycle.ready();
    const { port } = server.address() as AddressInfo;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/tasks/socket?client=olaf`);
    t.after(() => socket.terminate());
    await once(socket, 'open');
    for (let n = 0; n < 2_000; n += 1) socket.send(JSON.stringify({ type: 'ack', id: String(n) }));
    while (has.size < 2_000) await sleep(10);
    assert.equal(most, 1);
    assert.ok(statements < 500, `${statements} statements`);
  },
);
