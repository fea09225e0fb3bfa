// Clients that break the rules, past their handshake: none holds the exit, and none harms another.
import assert from 'node:assert/strict';
import type { Behaviour } from './behaviours.ts';

/** The deadline is far behind the time that a behaviour may take. */
const PATIENT = { GRACE_MS: '120000', LASTCALL_LINGER_MAX_MS: '500', CLOSE_MS: '300' };

/** Long enough for a client that a busy machine holds up to complete its close: the deaf one alone is cut. */
const CLOSE_MS = '3000';

export const vandals = {
  async 'a client that never closes its side is cut'({ start, open, driver }) {
    const server = await start({ ...PATIENT, CLOSE_MS });
    const deaf = await driver.vandals.deaf(server.port);
    const peer = await open(server);
    assert.equal((await peer.ask('/'))?.text, 'ok');
    server.signal('SIGTERM');
    assert.equal((await server.ended).code, 0);
    deaf.destroy();
    assert.match(server.output(), / lost 0/);
    if (driver.counts?.includes('terminated')) assert.match(server.output(), /"terminated":1/);
  },

  async 'a flood harms nobody'({ start, open, driver }) {
    const server = await start(PATIENT);
    const peer = await open(server);
    const flood = await driver.vandals.flood(server.port);
    const asked = peer.ask('/slow?ms=500');
    await server.printed('working');
    server.signal('SIGTERM');
    assert.equal((await asked)?.text, 'slow');
    assert.equal((await server.ended).code, 0);
    flood.destroy();
    assert.match(server.output(), / lost 0/);
  },

  async 'garbage after the handshake is harmless'({ start, open, driver }) {
    const server = await start(PATIENT);
    const peer = await open(server);
    const before = await driver.vandals.garbage(server.port);
    const asked = peer.ask('/slow?ms=500');
    await server.printed('working');
    const after = await driver.vandals.garbage(server.port);
    server.signal('SIGTERM');
    assert.equal((await asked)?.text, 'slow');
    assert.equal((await server.ended).code, 0);
    for (const socket of [before, after]) socket.destroy();
    assert.match(server.output(), / lost 0/);
    if (driver.counts?.includes('faulty')) assert.match(server.output(), /"faulty":2/);
  },
} satisfies Record<string, Behaviour>;
