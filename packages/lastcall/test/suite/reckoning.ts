// How work ends that is not simply finished, and what is left of it.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Behaviour } from './behaviours.ts';

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

export const reckoning = {
  async 'deadline cancels with its own signal'({ start, open }) {
    const server = await start({ GRACE_MS: '3000' });
    const peers = await Promise.all([open(server), open(server), open(server)]);
    const [hang, polite, quick] = peers;
    const hung = hang.ask('/hang');
    const told = polite.ask('/polite');
    const finished = quick.ask('/slow?ms=300');
    await server.printed('hanging');
    await server.printed('polite');
    await server.printed('working');
    server.signal('SIGTERM');
    assert.equal((await finished)?.text, 'slow', 'what ends in time is not cancelled');
    assert.match((await told)?.text ?? '', /begun[^]*final/, 'the final event was flushed');
    const reply = await hung;
    assert.equal(reply?.status, 503);
    assert.equal((await server.ended).code, 3);
    assert.equal(count(server.output(), /aborted ERR_LASTCALL_DEADLINE/g), 1);
    assert.match(server.output(), /completed 1, expired 2, lost 0, refused 0; exit 3/);
  },

  async 'outcome accounted once'({ start, open }) {
    const server = await start();
    const peer = await open(server);
    for (let i = 0; i < 5; i += 1) assert.equal((await peer.ask('/'))?.text, 'ok');
    assert.equal((await peer.ask('/fail'))?.status, 500);
    const goner = await open(server);
    void goner.ask('/hang').catch(() => undefined);
    await server.printed('hanging');
    goner.destroy();
    await server.printed('aborted ERR_LASTCALL_CLIENT_GONE');
    const busy = await open(server);
    const asked = busy.ask('/slow?ms=3000');
    await server.printed('working');
    server.signal('SIGTERM');
    await server.printed('state draining');
    const late = await open(server);
    assert.equal((await late.ask('/'))?.status, 503);
    assert.equal((await asked)?.text, 'slow');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 6, failed 1, cancelled 1, lost 0, refused 1; exit 0/);
  },

  async 'no leak of sockets, timers or listeners'({ start, open }) {
    const server = await start({ ENDS_BY_ITSELF: '1' });
    const peer = await open(server);
    for (let i = 0; i < 200; i += 1) await peer.ask('/');
    for (let i = 1; i <= 10; i += 1) {
      const goner = await open(server);
      void goner.ask('/hang').catch(() => undefined);
      await server.printed(new RegExp(`(?:hanging[^]*){${i}}`));
      goner.destroy();
      await server.printed(new RegExp(`(?:aborted[^]*){${i}}`));
    }
    const asked = peer.ask('/stream?ms=200');
    await server.printed('working');
    server.signal('SIGTERM');
    assert.match((await asked)?.text ?? '', /data: done/);
    await peer.closed();
    assert.equal((await server.ended).code, 0);
    assert.doesNotMatch(server.output(), /still alive/, 'something kept the event loop alive');
    assert.doesNotMatch(server.output(), /Warning/);
    assert.match(server.output(), /cancelled 10, lost 0/);
  },

  async 'silent clients do not hold the exit'({ start, open }) {
    // Ends long before the deadline, or this times out.
    const server = await start({ GRACE_MS: '120000', LASTCALL_LINGER_MAX_MS: '500' });
    const [idle, silent] = [await open(server), await open(server)];
    await idle.ask('/');
    server.signal('SIGTERM');
    assert.equal((await server.ended).code, 0);
    for (const peer of [idle, silent]) assert.notEqual(await peer.closed(), 'reset');
  },

  async 'garbage is harmless'({ start, open }) {
    const server = await start({ LASTCALL_LINGER_MAX_MS: '500' });
    const vandals = Array.from({ length: 8 }, (_, i) => {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {}).resume();
      socket.write(
        i % 2 === 0 ? Buffer.alloc(64 * 1024, i) : `GET / HTTP/9.9\r\n${'x'.repeat(i)}: \0`,
      );
      return socket;
    });
    const peer = await open(server);
    assert.equal((await peer.ask('/'))?.text, 'ok', 'others are served meanwhile');
    server.signal('SIGTERM');
    for (const socket of vandals) if (socket.writable) socket.write(Buffer.alloc(4_096, 'z'));
    assert.equal((await server.ended).code, 0);
    for (const socket of vandals) socket.destroy();
    assert.match(server.output(), /completed 1, lost 0/);
  },
} satisfies Record<string, Behaviour>;
