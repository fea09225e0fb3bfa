import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Channel, type Handle, inodeOf, sendOver } from 'lastcall/supervised';
import { fixture } from '../support/fixture.ts';

const COUNT = 300;

async function connections(count: number): Promise<{ sockets: Socket[]; close: () => void }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  const clients: Socket[] = [];
  for (let i = 0; i < count; i += 1) {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    clients.push(connect(port, '127.0.0.1').on('error', () => {}));
    sockets.push((await accepted)[0]);
  }
  const close = (): void => {
    for (const socket of [...sockets, ...clients]) socket.destroy();
    server.close();
  };
  return { sockets, close };
}

const handleOf = (socket: Socket): Handle => Reflect.get(socket, '_handle') as Handle;

for (const [how, args] of [
  ['that acknowledges each', []],
  ['that acknowledges none', ['takes']],
] as const)
  test(`many connections go over a channel without a wait, each with its own message, to one ${how}`, async () => {
    const { sockets, close } = await connections(COUNT);
    const child: ChildProcess = fork(fixture('receiver.ts'), args);
    let acknowledged = 0;
    child.on('internalMessage', ({ cmd }: { cmd: string }) => {
      if (cmd === 'NODE_HANDLE_ACK') acknowledged += 1;
    });
    const answers: { id: number; inode: number }[] = [];
    const all = new Promise<void>((resolve) => {
      child.on('message', (answer: { id: number; inode: number }) => {
        answers.push(answer);
        if (answers.length === COUNT) resolve();
      });
    });
    const handles = sockets.map(handleOf);
    for (const [id, handle] of handles.entries()) {
      sendOver(child as Channel, { envelope: 'x'.repeat((id % 7) * 1_000) });
      sendOver(child as Channel, { id }, handle);
    }
    await all;
    assert.deepEqual(
      answers,
      handles.map((handle, id) => ({ id, inode: inodeOf(handle) })),
    );
    assert.equal(acknowledged, args.length === 0 ? COUNT : 0);
    close();
    child.disconnect();
    await once(child, 'exit');
  });

test('a connection that is closed before its message could be written still goes with it', async () => {
  const { sockets, close } = await connections(COUNT);
  const child: ChildProcess = fork(fixture('receiver.ts'));
  const answers: { id: number; inode: number }[] = [];
  child.on('message', (answer: { id: number; inode: number }) => answers.push(answer));
  const handles = sockets.map(handleOf);
  const expected = handles.map((handle, id) => ({ id, inode: inodeOf(handle) }));
  // The first answer says that it reads; stopped, it reads no more, and the channel fills up.
  sendOver(child as Channel, { id: 0 }, handles[0]);
  while (answers.length < 1) await once(child, 'message');
  child.kill('SIGSTOP');
  for (const [id, handle] of handles.entries()) {
    if (id === 0) continue;
    sendOver(child as Channel, { envelope: 'x'.repeat(4_000) });
    sendOver(child as Channel, { id }, handle);
  }
  const closed = sockets.map((socket) => once(socket, 'close'));
  for (const socket of sockets) socket.destroy();
  child.kill('SIGCONT');
  while (answers.length < COUNT) await once(child, 'message');
  assert.deepEqual(answers, expected);
  await Promise.all(closed);
  close();
  child.disconnect();
  await once(child, 'exit');
});

test('connections that wait to be sent to a process that dies are closed', async () => {
  const { sockets, close } = await connections(COUNT);
  const child: ChildProcess = fork(fixture('receiver.ts'));
  sendOver(child as Channel, { id: 0 }, handleOf(sockets[0]!));
  await once(child, 'message');
  child.kill('SIGSTOP');
  for (const socket of sockets) {
    sendOver(child as Channel, { envelope: 'x'.repeat(4_000) });
    sendOver(child as Channel, { id: 1 }, handleOf(socket));
  }
  const closed = sockets.map((socket) => once(socket, 'close'));
  for (const socket of sockets) socket.destroy();
  child.kill('SIGKILL');
  await Promise.all(closed);
  close();
});
