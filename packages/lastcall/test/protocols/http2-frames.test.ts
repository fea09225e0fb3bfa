import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import http2 from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLifecycle } from 'lastcall';
import { attachHttp2 } from 'lastcall/http2';
import { type ServerProcess, startServer } from '../support/process.ts';
import { Http2Peer } from './support/http2-peer.ts';
import { DATA, HEADERS, PING, RawHttp2, RST_STREAM } from './support/raw-http2.ts';

const REPEAT = Number(process.env.REPEAT ?? 1);
const FIXTURE = '../protocols/fixtures/http2.ts';
const ANY_STREAM = 2 ** 31 - 1;
const MIB = 1024 * 1024;
/** No limit passes while the test itself is held up. */
const PATIENT = {
  GRACE_MS: '120000',
  LASTCALL_LEAVE_MAX_MS: '60000',
  LASTCALL_LINGER_MAX_MS: '60000',
};

for (let round = 1; round <= REPEAT; round += 1) {
  test(`a stream opened between the two GOAWAYs is served (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: PATIENT });
    const client = await RawHttp2.open(server.port);
    client.get(1, '/');
    await client.until(() => client.has(DATA, 1));
    server.signal('SIGTERM');
    await client.until(() => client.goaways().length === 1);
    assert.deepEqual(client.goaways(), [ANY_STREAM]);
    client.get(3, '/');
    await client.until(() => client.has(DATA, 3));
    assert.equal(client.frames.find((f) => f.type === HEADERS && f.stream === 3)?.payload[0], 0x88);
    client.pong();
    await client.until(() => client.goaways().length >= 2);
    assert.deepEqual(client.goaways().slice(0, 2), [ANY_STREAM, 3]);
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 2, lost 0, refused 0/);
    client.socket.destroy();
  });

  test(`a client that answers no ping holds the exit for the linger alone (${round})`, async () => {
    await using server = await startServer(FIXTURE, {
      env: { GRACE_MS: '120000', LASTCALL_LINGER_MAX_MS: '300' },
    });
    const client = await RawHttp2.open(server.port);
    client.get(1, '/');
    await client.until(() => client.has(DATA, 1));
    server.signal('SIGTERM');
    await client.until(() => client.goaways().length >= 2);
    assert.equal((await server.ended).code, 0);
    client.socket.destroy();
  });

  test(`a stream that came while the process was held up for the whole linger is served (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: { LASTCALL_LINGER_MAX_MS: '1500' } });
    const client = await RawHttp2.open(server.port);
    client.get(1, '/');
    await client.until(() => client.has(DATA, 1));
    server.signal('SIGTERM');
    await client.until(() => client.goaways().length === 1);
    client.get(3, '/block?ms=2000');
    await server.printed('held up');
    client.get(5, '/');
    await client.until(() => client.has(DATA, 5));
    await client.until(() => client.goaways().length >= 2);
    assert.deepEqual(client.goaways().slice(0, 2), [ANY_STREAM, 5]);
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 3, lost 0, refused 0/);
    client.socket.destroy();
  });

  test(`a session that never ends is cut at the deadline, its streams reset (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: { GRACE_MS: '400', FORCE_MS: '400' } });
    const client = await RawHttp2.open(server.port);
    client.get(1, '/hang?head');
    await server.printed('hanging');
    server.signal('SIGTERM');
    await client.until(() => client.has(RST_STREAM, 1));
    assert.equal((await server.ended).code, 3);
    assert.match(server.output(), /expired 1, lost 0/);
    client.socket.destroy();
  });

  test(`a stream whose listener threw is counted until it closes (${round})`, async () => {
    await using server = await startServer('../protocols/fixtures/http2-throws.ts');
    const client = await RawHttp2.open(server.port);
    client.get(1, '/');
    await server.printed('a fault of the application');
    client.write(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])); // CANCEL
    await client.until(() => client.has(PING, 0));
    client.pong();
    // The exception stops the service, in order: what the stream held does not last to the deadline.
    assert.equal((await server.ended).code, 1);
    assert.match(server.output(), /cancelled 1, lost 0, refused 0; exit 1/);
    client.socket.destroy();
  });

  test(`a connection of the last moment has its round trip as well (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: PATIENT });
    const { asked } = await drainWithWork(server);
    const late = await RawHttp2.open(server.port);
    late.get(1, '/');
    await late.until(() => late.goaways().length === 1);
    assert.equal((await asked)?.text, 'slow');
    for (let listens = true; listens; await sleep(50))
      listens = await RawHttp2.open(server.port).then(
        ({ socket }) => socket.destroy() !== undefined,
        () => false,
      );
    late.get(3, '/');
    await late.until(() => late.has(HEADERS, 3));
    late.pong();
    await late.until(() => late.goaways().length >= 2);
    assert.deepEqual(late.goaways().slice(0, 2), [ANY_STREAM, 3]);
    assert.equal((await server.ended).code, 0);
    late.socket.destroy();
  });

  test(`a refused upload gets its 503 (${round})`, async () => {
    await using server = await startServer(FIXTURE);
    const { asked } = await drainWithWork(server);
    const late = await Http2Peer.open(server.port);
    const reply = await late.upload(8 * MIB, async () => {});
    assert.equal(reply?.status, 503);
    assert.equal(reply.retryAfter, '1');
    assert.deepEqual(JSON.parse(reply.text), { detail: 'Service is shutting down' });
    assert.equal((await asked)?.text, 'slow');
    late.destroy();
    assert.equal((await server.ended).code, 0);
  });

  test(`the operator's calls are answered over HTTP/2 (${round})`, async () => {
    await using server = await startServer(FIXTURE);
    const busy = await Http2Peer.open(server.port);
    const asked = busy.ask('/slow?ms=500');
    await server.printed('working');
    const hook = await Http2Peer.open(server.port);
    const reply = await hook.ask('/shutdown/wait');
    assert.equal((JSON.parse(reply?.text ?? '{}') as { status: string }).status, 'completed');
    assert.equal((await asked)?.text, 'slow');
    const ready = await hook.ask('/ready');
    assert.equal(ready?.status, 503);
    hook.destroy();
  });

  test(`h2load across SIGTERM: no stream fails that was processed (${round})`, async (t) => {
    if (!installed('h2load')) return t.skip('h2load is not installed (nghttp2-client)');
    await using server = await startServer(FIXTURE);
    const load = new Promise<string>((resolve) => {
      // More than there is time for: it ends with the server.
      execFile(
        'h2load',
        ['-c', '8', '-m', '10', '-n', '100000000', `http://127.0.0.1:${server.port}/`],
        (_error, stdout) => resolve(stdout),
      );
    });
    const probe = await Http2Peer.open(server.port);
    for (let active = 0; active === 0;) {
      const { text } = (await probe.ask('/v1/streams/active-count')) ?? { text: '{}' };
      active = (JSON.parse(text) as { active_streams: number }).active_streams;
    }
    server.signal('SIGTERM');
    const report = await load;
    probe.destroy();
    assert.equal((await server.ended).code, 0);
    const [, completed, refused] =
      /completed (\d+), lost 0, refused (\d+)/.exec(server.output()) ?? [];
    const [, served, late] = /codes: (\d+) 2xx, 0 3xx, 0 4xx, (\d+) 5xx/.exec(report) ?? [];
    // h2load counts as errors what it could not begin after GOAWAY; what was processed must agree.
    assert.deepEqual([served, late], [completed, refused], 'what was answered here was read there');
    return undefined;
  });
}

test('what cannot be attached is refused with a code', async () => {
  const lifecycle = createLifecycle();
  const server = attachHttp2(lifecycle, http2.createServer());
  assert.throws(() => attachHttp2(lifecycle, server), { code: 'ERR_LASTCALL_ATTACHED' });
  assert.throws(() => attachHttp2(lifecycle, {} as http2.Http2Server), {
    code: 'ERR_LASTCALL_SERVER',
  });
  const listening = http2.createServer();
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  assert.throws(() => attachHttp2(lifecycle, listening), { code: 'ERR_LASTCALL_LISTENING' });
  listening.close();
});

/** Brings a server into its drain, held there for a while by one piece of work. */
async function drainWithWork(
  server: ServerProcess,
): Promise<{ asked: ReturnType<Http2Peer['ask']> }> {
  const busy = await Http2Peer.open(server.port);
  const asked = busy.ask('/slow?ms=3000');
  await server.printed('working');
  server.signal('SIGTERM');
  await server.printed('state draining');
  return { asked };
}

function installed(program: string): boolean {
  try {
    execFileSync('which', [program]);
    return true;
  } catch {
    return false;
  }
}
