import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../support/process.ts';
import { SocketIoPeer } from './support/socketio-peer.ts';

const REPEAT = Number(process.env.REPEAT ?? 1);
const FIXTURE = '../protocols/fixtures/socketio.ts';

for (let round = 1; round <= REPEAT; round += 1)
  for (const transport of ['websocket', 'polling'] as const) {
    test(`${transport}: promised work is delivered across the drain, rooms work, all are told (${round})`, async () => {
      await using server = await startServer(FIXTURE, { env: { LASTCALL_LEAVE_MAX_MS: '300' } });
      const busy = await SocketIoPeer.open(server.port, transport);
      const idle = await SocketIoPeer.open(server.port, transport);
      busy.socket.emit('join', 'room');
      const slow = busy.ask('/slow?ms=3000');
      await server.printed('working');
      server.signal('SIGTERM');
      assert.equal(await idle.closed(), 'end');
      assert.equal(typeof idle.draining?.reconnectAfterMs, 'number');
      assert.equal(busy.draining?.owed, 1);
      const said = new Promise((resolve) => busy.socket.once('said', resolve));
      busy.socket.emit('say', 'room', 'still here');
      assert.equal(await said, 'still here');
      assert.equal((await busy.ask('/'))?.status, 503, 'new work is refused');
      assert.equal((await slow)?.text, 'slow');
      assert.equal(await busy.closed(), 'end');
      assert.equal((await server.ended).code, 0);
      assert.match(server.output(), /disconnecting forced close from 2 rooms/);
      assert.match(server.output(), /completed 1, lost 0/);
      assert.match(server.output(), /"told":2,"closed":2,"terminated":0/);
    });

    test(`${transport}: while draining a new client is refused (${round})`, async () => {
      await using server = await startServer(FIXTURE);
      const busy = await SocketIoPeer.open(server.port, transport);
      const slow = busy.ask('/slow?ms=3000');
      await server.printed('working');
      server.signal('SIGTERM');
      await server.printed('state draining');
      const { refusal } = await SocketIoPeer.open(server.port, transport);
      assert.equal(refusal?.retryAfter, '1');
      assert.equal((await slow)?.text, 'slow');
      assert.equal((await server.ended).code, 0);
    });

    test(`${transport}: work past the deadline is cancelled and its client told (${round})`, async () => {
      await using server = await startServer(FIXTURE, { env: { GRACE_MS: '500' } });
      const peer = await SocketIoPeer.open(server.port, transport);
      const hung = peer.ask('/hang');
      await server.printed('hanging');
      server.signal('SIGTERM');
      assert.equal((await hung)?.status, 503);
      assert.equal((await server.ended).code, 3);
      assert.match(server.output(), /aborted ERR_LASTCALL_DEADLINE/);
      assert.match(server.output(), /expired 1, lost 0/);
    });
  }
