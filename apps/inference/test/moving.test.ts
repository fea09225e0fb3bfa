import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventsOf } from './support/client.ts';
import { follow } from './support/follow.ts';
import { startNode } from './support/node.ts';
import { dataFolder } from './support/temp.ts';

// Longer than any reload takes; each is cancelled in the end.
const body = { input: 'When the server', seed: 21, min_output_tokens: 50_000 };

test(
  'a reload gives streams to the new workers, connection and all',
  { timeout: 120_000 },
  async () => {
    await using folder = dataFolder();
    await using node = await startNode(folder, { MODEL_TOKENS_PER_SECOND: '60' });
    const followed = [follow(() => node.url, body), follow(() => node.url, { ...body, seed: 22 })];
    const client = new AbortController();
    const impatient = await fetch(`${node.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, stream: true }),
      signal: client.signal,
    });
    const { value: created } = await eventsOf(impatient).next();
    for (const stream of followed) await stream.at(20);
    await node.verb('reload');
    const moved = async (): Promise<unknown> => {
      const { moves } = JSON.parse(await node.verb('status', '--json')) as { moves: unknown };
      return moves;
    };
    while (!/"moved":3,"on_their_way":0/.test(JSON.stringify(await moved()))) await sleep(50);

    const statusOf = async (id = ''): Promise<unknown> => {
      const { status } = (await (await fetch(`${node.url}/v1/responses/${id}`)).json()) as {
        status: string;
      };
      return status;
    };
    // The successor knows as well that nobody else wants this one.
    assert.equal(await statusOf(created?.response?.id), 'in_progress');
    client.abort();
    while ((await statusOf(created?.response?.id)) === 'in_progress') await sleep(20);
    assert.equal(await statusOf(created?.response?.id), 'cancelled');

    for (const stream of followed) {
      await stream.at(stream.events.length + 20);
      const id = stream.events[0]?.response?.id;
      await fetch(`${node.url}/v1/responses/${id}/cancel`, { method: 'POST' });
      const { reconnects, events: all } = await stream.end;
      assert.equal(reconnects, 0);
      assert.equal(all.at(-1)?.response?.status, 'cancelled');
    }
    assert.equal(await node.end('SIGTERM'), 0, node.output());
  },
);
