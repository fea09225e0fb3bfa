import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { it } from 'node:test';
import { WebSocket } from 'ws';
import { NodeUnderTest, type Status } from './support/node.ts';
import { poll } from './support/poll.ts';

const MOVING = new URL('./fixtures/moving-app.ts', import.meta.url).pathname;

type MovingStatus = Status & {
  moves: { moved: number; stayed: Record<string, number> };
};

/** Reads numbered messages and counts the answers to its own; each must be the next one. */
class Talker {
  readonly socket: WebSocket;
  last = 0;
  heard = 0;
  sent = 0;
  closed = 0;
  readonly faults: string[] = [];
  readonly writers = new Set<string>();

  constructor(port: number, perMessageDeflate: boolean | object) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate });
    this.socket.on('close', (code) => {
      this.closed = code;
    });
    this.socket.on('error', (error) => this.faults.push(error.message));
    this.socket.on('message', (data: Buffer) => this.#take(data.toString()));
  }

  say(length: number): void {
    this.sent += 1;
    this.socket.send('y'.repeat(length));
  }

  #take(text: string): void {
    const [first = '', second = ''] = text.split(' ');
    const number = Number(first === 'heard' ? second : first);
    const expected = (first === 'heard' ? this.heard : this.last) + 1;
    if (number !== expected) this.faults.push(`${first} ${number} instead of ${expected}`);
    if (first === 'heard') this.heard = number;
    else {
      this.last = number;
      this.writers.add(second);
    }
  }
}

const moves = async (node: NodeUnderTest): Promise<MovingStatus['moves']> =>
  (await node.ask<MovingStatus>('status')).moves;

it('WebSockets move: messages both ways, none lost, none twice', async () => {
  await using node = await NodeUnderTest.start({ target: [MOVING] });
  const freely = { serverNoContextTakeover: true, clientNoContextTakeover: true };
  const talkers = Array.from(
    { length: 24 },
    (_, i) => new Talker(node.port, i % 2 === 0 ? false : freely),
  );
  await Promise.all(talkers.map(({ socket }) => once(socket, 'open')));
  let said = 0;
  const saying = setInterval(() => {
    said += 1;
    for (const talker of talkers) talker.say(said % 3 === 0 ? 70_000 : 10);
  }, 120);
  for (let reloads = 1; reloads <= 2; reloads += 1) await node.ask('reload');
  await poll(async () => (await moves(node)).moved >= 48);
  clearInterval(saying);
  await poll(async () =>
    talkers.every(({ heard, sent, writers }) => heard === sent && writers.size === 3),
  );
  for (const { closed, faults } of talkers) {
    assert.equal(closed, 0);
    assert.deepEqual(faults, []);
  }
  assert.deepEqual(await moves(node), { moved: 48, on_their_way: 0, stayed: {} });
  for (const { socket } of talkers) socket.terminate();
});

/** Writes past the client's own framing. */
const write = ({ socket }: Talker, bytes: Buffer): unknown =>
  (Reflect.get(socket, '_socket') as Socket).write(bytes);

it('a WebSocket in the middle of a message waits for its end, or stays and is closed in order', async () => {
  await using node = await NodeUnderTest.start({
    target: [MOVING],
    env: { LASTCALL_WORKERS: '1' },
  });
  const talkers = Array.from({ length: 3 }, () => new Talker(node.port, false));
  const [halting, finishing, fragmented] = talkers as [Talker, Talker, Talker];
  // A text frame of 100 bytes with a mask of zeros, of which half is sent.
  const frame = Buffer.concat([
    Buffer.from([0x81, 0x80 | 100, 0, 0, 0, 0]),
    Buffer.alloc(100, 121),
  ]);
  // A whole frame that is the first of two (RFC 6455 section 5.4).
  const [first, last] = [0x01, 0x80].map((byte) =>
    Buffer.concat([Buffer.from([byte]), frame.subarray(1)]),
  ) as [Buffer, Buffer];
  await Promise.all(talkers.map(({ socket }) => once(socket, 'open')));
  for (const talker of [halting, finishing]) write(talker, frame.subarray(0, 50));
  write(fragmented, first);
  const reloaded = node.ask('reload');
  await node.line(/retires: reload/);
  write(finishing, frame.subarray(50));
  write(fragmented, last);
  await reloaded;
  await poll(async () => halting.closed === 1012);
  await poll(async () => finishing.heard === 1 && fragmented.heard === 1);
  assert.deepEqual(await moves(node), { moved: 2, on_their_way: 0, stayed: { message: 1 } });
  for (const { faults, socket } of talkers) {
    assert.deepEqual(faults, []);
    socket.terminate();
  }
});
