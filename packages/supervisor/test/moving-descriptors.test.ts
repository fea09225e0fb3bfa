import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { it } from 'node:test';
import { NodeUnderTest, type Status } from './support/node.ts';
import { poll } from './support/poll.ts';
import { StreamClient } from './support/stream-client.ts';

const MOVING = new URL('./fixtures/moving-app.ts', import.meta.url).pathname;
const STREAMS = 40;

type MovingStatus = Status & {
  moves: { moved: number; stayed: Record<string, number> };
};

const status = (node: NodeUnderTest): Promise<MovingStatus> => node.ask<MovingStatus>('status');

const limit = (pid: number, descriptors: number): unknown =>
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${descriptors}:`]);

/** The process takes `spare` more descriptors, and no others. */
function exhaust(pid: number, spare: number): void {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let at = 0;
  for (let free = 0; free < spare || open.has(at); at += 1) if (!open.has(at)) free += 1;
  limit(pid, at);
}

for (const [who, pidOf, spare] of [
  // It needs some to prove itself, and keeps those of the streams.
  [
    'a successor',
    ({ output }: NodeUnderTest) => Number(/w2 started \(pid (\d+)/.exec(output)?.[1]),
    8,
  ],
  // It has each for the time of a round trip to the successor: few at once where that is short.
  ['the supervisor', ({ child }: NodeUnderTest) => child.pid ?? 0, 1],
] as const)
  it(`${who} out of descriptors: what finds none stays, and moves when there are some`, async (t) => {
    if (process.platform !== 'linux') return t.skip('prlimit is a program of Linux');
    await using node = await NodeUnderTest.start({
      target: [MOVING],
      env: { LASTCALL_WORKERS: '1' },
    });
    const clients = Array.from({ length: STREAMS }, () => new StreamClient(node.port, '/chunks'));
    for (const client of clients) await client.event(3);
    // The old worker reads that it is to go when there are no more descriptors, and not before.
    const old = Number(/w1 started \(pid (\d+)/.exec(node.output)?.[1]);
    process.kill(old, 'SIGSTOP');
    const reloaded = node.ask('reload');
    await node.line(/w2 is ready/);
    exhaust(pidOf(node), spare);
    process.kill(old, 'SIGCONT');
    await reloaded;
    let seen: MovingStatus | undefined;
    await poll(async () => {
      // A supervisor without a descriptor takes no command either.
      seen = await status(node).catch(() => undefined);
      return (
        seen !== undefined && seen.moves.moved + (seen.moves.stayed.descriptors ?? 0) === STREAMS
      );
    });
    const { moves, in_flight, restarts } = seen!;
    assert.equal(restarts.crash, 0);
    assert.ok(moves.stayed.descriptors);
    assert.equal(in_flight, STREAMS);
    const before = clients.map(({ last }) => last);
    await Promise.all(clients.map((client, i) => client.event(before[i]! + 3)));
    limit(pidOf(node), 1_024);
    await node.ask('reload');
    await poll(async () => {
      const { workers } = await status(node);
      return workers.length === 1;
    });
    assert.equal((await status(node)).in_flight, STREAMS);
    const after = clients.map(({ last }) => last);
    await Promise.all(clients.map((client, i) => client.event(after[i]! + 3)));
    for (const { faults, socket } of clients) {
      assert.deepEqual(faults, []);
      socket.destroy();
    }
  });
