// What was accepted is finished: works of every shape, across SIGTERM.
import assert from 'node:assert/strict';
import type { Behaviour } from './behaviours.ts';

const MIB = 1024 * 1024;
/** For so long, at the least, an idle connection is kept for a request on the wire. */
const LINGER_MIN_MS = 300;

export const finishing = {
  async 'in flight finishes'({ start, open }) {
    const server = await start();
    const peer = await open(server);
    const asked = peer.ask('/slow?ms=400');
    await server.printed('working');
    server.signal('SIGTERM');
    const reply = await asked;
    assert.equal(reply?.text, 'slow');
    assert.equal(reply.last, true, 'the last answer says so');
    assert.notEqual(await peer.closed(), 'reset');
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 1, lost 0, refused 0; exit 0/);
  },

  async pipelined({ start, open }) {
    const server = await start();
    const peer = await open(server);
    const asked = peer.askAll(['/slow?ms=300', '/', '/slow?ms=100']);
    await server.printed('working');
    server.signal('SIGTERM');
    assert.deepEqual(
      (await asked).map((reply) => reply?.text),
      ['slow', 'ok', 'slow'],
    );
    assert.notEqual(await peer.closed(), 'reset');
    assert.equal((await server.ended).code, 0);
  },

  async upload({ start, open }) {
    const server = await start();
    const peer = await open(server);
    const reply = await peer.upload(4 * MIB, async () => {
      await server.printed('working');
      server.signal('SIGTERM');
      await server.printed('state draining');
    });
    assert.equal(reply?.text, String(4 * MIB));
    assert.equal((await server.ended).code, 0);
  },

  async 'large slow response'({ start, open }) {
    const server = await start();
    const peer = await open(server);
    const reply = await peer.askSlowly('/large', () => server.signal('SIGTERM'));
    assert.equal(reply?.bytes, 32 * MIB);
    assert.notEqual(await peer.closed(), 'reset');
    assert.equal((await server.ended).code, 0);
  },

  async 'stream ends'({ start, open }) {
    const server = await start();
    const peer = await open(server);
    const asked = peer.ask('/stream?ms=600');
    await server.printed('working');
    server.signal('SIGTERM');
    assert.match((await asked)?.text ?? '', /data: 9\n[^]*data: done\n/);
    assert.equal((await server.ended).code, 0);
  },

  async 'refused work is retryable'({ start, open }) {
    const server = await start();
    const [busy, idle] = [await open(server), await open(server)];
    const asked = busy.ask('/slow?ms=3000');
    await server.printed('working');
    const signalMs = performance.now();
    server.signal('SIGTERM');
    await server.printed('state draining');
    const onIdle = await idle.ask('/');
    // A connection that never carried anything is closed in order after its linger.
    if (!onIdle) assert.ok(performance.now() - signalMs > LINGER_MIN_MS, 'closed too early');
    const onFresh = await (await open(server)).ask('/');
    for (const reply of onIdle ? [onIdle, onFresh] : [onFresh]) {
      assert.equal(reply?.status, 503);
      assert.ok(Number(reply.retryAfter) > 0, 'it says when to come back');
      assert.equal(reply.last, true, 'it sends the client elsewhere');
    }
    assert.equal((await asked)?.text, 'slow', 'work in flight is not touched');
    assert.equal((await server.ended).code, 0);
    const refused = onIdle ? 2 : 1;
    assert.match(server.output(), new RegExp(`completed 1, lost 0, refused ${refused}; exit 0`));
  },

  async 'probes answer to the end'({ start, open, driver }) {
    const server = await start();
    assert.deepEqual(await driver.probe(server), { live: true, ready: true });
    const peer = await open(server);
    const work = { done: false };
    const asked = peer.ask('/slow?ms=1500').finally(() => {
      work.done = true;
    });
    await server.printed('working');
    server.signal('SIGTERM');
    await server.printed('state leaving');
    let seen = 0;
    for (; !work.done; seen += 1) {
      const probe = await driver.probe(server).catch((error: unknown) => error);
      // The listener may close in the moment in which the work ends.
      if (!work.done) assert.deepEqual(probe, { live: true, ready: false });
    }
    assert.ok(seen > 2, `${seen} probes were answered`);
    assert.equal((await asked)?.text, 'slow');
    assert.equal((await server.ended).code, 0);
  },
} satisfies Record<string, Behaviour>;
