import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Client, credentials, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachGrpc } from 'lastcall/grpc';
import { startServer } from '../support/process.ts';
import { GrpcPeer, health } from './support/grpc-peer.ts';
import { type Text, works } from './support/grpc-service.ts';

const REPEAT = Number(process.env.REPEAT ?? 1);
const FIXTURE = '../protocols/fixtures/grpc.ts';

for (let round = 1; round <= REPEAT; round += 1) {
  test(`a conversation in both directions goes on across SIGTERM (${round})`, async () => {
    await using server = await startServer(FIXTURE);
    const { client } = await GrpcPeer.open(server.port);
    const { path, requestSerialize, responseDeserialize } = works.chat;
    const chat = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    chat.write({ text: 'one' });
    assert.deepEqual(await once(chat, 'data'), [{ text: 'one' }]);
    server.signal('SIGTERM');
    await server.printed('state draining');
    chat.write({ text: 'two' });
    assert.deepEqual(await once(chat, 'data'), [{ text: 'two' }]);
    const [ended] = [once(chat, 'status')];
    chat.end();
    chat.resume();
    assert.equal(((await ended)[0] as { code: number }).code, status.OK);
    client.close();
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /completed 1, lost 0/);
  });

  test(`health: serving, unknown, told to watchers, NOT_SERVING, never counted (${round})`, async () => {
    await using server = await startServer(FIXTURE);
    const peer = await GrpcPeer.open(server.port);
    assert.equal(await health(peer.client, ''), 1);
    assert.equal(await health(peer.client, 'test.Works'), 1);
    assert.equal(await health(peer.client, 'no.Such'), -status.NOT_FOUND);
    const seen: number[] = [];
    const watch = peer.client.makeServerStreamRequest(
      '/grpc.health.v1.Health/Watch',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.alloc(0),
    );
    watch.on('data', (bytes: Buffer) => seen.push(bytes[1] ?? 0));
    watch.on('error', () => {});
    const watched = once(watch, 'end').catch(() => undefined);
    await once(watch, 'data');
    server.signal('SIGTERM');
    await watched;
    assert.equal(seen[0], 1);
    assert.equal(seen[1], 2);
    peer.destroy();
    assert.equal((await server.ended).code, 0);
    assert.match(server.output(), /: lost 0, refused 0; exit 0/);
  });

  test(`a stream cut at the deadline: DEADLINE_EXCEEDED; a call of the client's own fault is completed (${round})`, async () => {
    await using server = await startServer(FIXTURE, { env: { GRACE_MS: '400' } });
    const peer = await GrpcPeer.open(server.port);
    assert.equal(await peer.ask('/missing'), undefined);
    const { path, requestSerialize, responseDeserialize } = works.stream;
    const call = peer.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
      text: '/hang',
    });
    const parts: Text[] = [];
    call.on('data', (part: Text) => parts.push(part));
    const failed = once(call, 'error').catch((error: unknown) => [error]);
    await server.printed('hanging');
    server.signal('SIGTERM');
    assert.equal(((await failed)[0] as { code: number }).code, status.DEADLINE_EXCEEDED);
    assert.deepEqual(parts, [{ text: 'begun' }]);
    peer.destroy();
    assert.equal((await server.ended).code, 3);
    assert.match(server.output(), /completed 1, expired 1, lost 0/);
  });
}

test('a server of another copy of grpc-js is served, and drains', async () => {
  await using server = await startServer(FIXTURE, { env: { GRPC_COPY: '1' } });
  const running = await GrpcPeer.open(server.port);
  const slow = running.ask('/slow?ms=700');
  await server.printed('working');
  const late = await GrpcPeer.open(server.port);
  assert.equal((await late.ask('/'))?.text, 'ok');
  assert.equal(await health(late.client, 'test.Works'), 1);
  server.signal('SIGTERM');
  await server.printed('state draining');
  assert.equal((await slow)?.text, 'slow');
  for (const peer of [running, late]) peer.destroy();
  assert.equal((await server.ended).code, 0);
});

test('what cannot be attached is refused with a code', async () => {
  const lifecycle = createLifecycle();
  const server = attachGrpc(lifecycle, new Server());
  assert.throws(() => attachGrpc(lifecycle, server), { code: 'ERR_LASTCALL_ATTACHED' });
  assert.throws(() => attachGrpc(lifecycle, {} as Server), { code: 'ERR_LASTCALL_SERVER' });
  const late = new Server();
  late.addService(works, {});
  assert.throws(() => attachGrpc(lifecycle, late), { code: 'ERR_LASTCALL_LISTENING' });
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) =>
      resolve(bound),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  assert.equal(await health(client, ''), 2, 'not serving before it is ready');
  client.close();
  server.forceShutdown();
});
