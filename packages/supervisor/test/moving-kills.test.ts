import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeUnderTest } from './support/node.ts';
import { isAlive, poll } from './support/poll.ts';
import { StreamClient } from './support/stream-client.ts';

const MOVING = new URL('./fixtures/moving-app.ts', import.meta.url).pathname;
const STREAMS = 80;

/** The worker that a line of the output names first. */
async function named(node: NodeUnderTest, pattern: RegExp): Promise<number> {
  await node.line(pattern);
  const name = pattern.exec(node.output)?.[1];
  return Number(new RegExp(`${name} started \\(pid (\\d+)`).exec(node.output)?.[1]);
}

/** A client that connects again when its connection breaks, after the last event it has seen. */
async function follow(port: number, over: { over: boolean }): Promise<StreamClient[]> {
  const connections: StreamClient[] = [];
  for (let last = 0; !over.over; last = connections.at(-1)!.last) {
    const client = new StreamClient(port, `/chunks?everyMs=5&from=${last + 1}`, '', last);
    connections.push(client);
    await client.closed;
  }
  return connections;
}

for (const [who, pattern] of [
  ['the old worker', /(w[12]) retires: reload/],
  ['the successor', /(w3) is ready/],
] as const)
  for (const afterMs of [0, 40, 100])
    it(`${who} is killed ${afterMs} ms into a move: its streams alone break, and no event twice`, async () => {
      await using node = await NodeUnderTest.start({
        target: [MOVING],
        env: { APP_THAW: 'slow' },
      });
      const over = { over: false };
      const followed = Array.from({ length: STREAMS }, () => follow(node.port, over));
      await poll(async () => (await node.status()).in_flight === STREAMS);
      const reloaded = node.ask('reload').catch(() => undefined);
      const victim = await named(node, pattern);
      await node.line(/retires: reload/);
      await sleep(afterMs);
      // The worker that retires may have ended already.
      if (isAlive(victim)) process.kill(victim, 'SIGKILL');
      await reloaded;
      await poll(async () => {
        const { workers, in_flight: inFlight } = await node.status();
        return inFlight === STREAMS && workers.every(({ phase }) => phase === 'serving');
      });
      over.over = true;
      for (const { pid } of (await node.status()).workers) process.kill(pid, 'SIGKILL');
      let broken = 0;
      for (const connections of await Promise.all(followed)) {
        broken += connections.length - 1;
        for (const { faults } of connections)
          assert.deepEqual(
            faults.filter((fault) => !/ECONNRESET/.test(fault)),
            [],
          );
      }
      assert.ok(broken <= STREAMS);
    });
