// Refused, and cut at the deadline: each of the four kinds of calls. And the application's own shutdown.
import assert from 'node:assert/strict';
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  Server,
  ServerCredentials,
  status,
  type StatusObject,
} from '@grpc/grpc-js';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachGrpc } from 'lastcall/grpc';
import { startServer } from '../support/process.ts';
import { deafen } from '../support/vandals.ts';
import { GrpcPeer } from './support/grpc-peer.ts';
import { type Text, works } from './support/grpc-service.ts';
import { RawHttp2 } from './support/raw-http2.ts';

const FIXTURE = '../protocols/fixtures/grpc.ts';
const HANG: Text = { text: '/hang' };
const nobody = (): void => {};

type Call =
  | ClientUnaryCall
  | ClientWritableStream<Text>
  | ClientReadableStream<Text>
  | ClientDuplexStream<Text, Text>;

/** Each begins a call that the server does not end by itself. */
const kinds: Record<keyof typeof works, (client: Client) => Call> = {
  unary: (client) => {
    const { path, requestSerialize, responseDeserialize } = works.unary;
    return client.makeUnaryRequest(path, requestSerialize, responseDeserialize, HANG, nobody);
  },
  upload: (client) => {
    const { path, requestSerialize, responseDeserialize } = works.upload;
    return client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, nobody);
  },
  stream: (client) => {
    const { path, requestSerialize, responseDeserialize } = works.stream;
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, HANG);
    return call.on('error', nobody).resume();
  },
  chat: (client) => {
    const { path, requestSerialize, responseDeserialize } = works.chat;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    return call.on('error', nobody).resume();
  },
};

const statusOf = (call: Call): Promise<StatusObject> =>
  new Promise((resolve) => void call.on('status', resolve));

/** Begins a call of each kind, each on a connection of its own. */
async function beginAll(
  port: number,
): Promise<{ ended: Promise<StatusObject[]>; destroy: () => void }> {
  const peers = await Promise.all(Object.keys(kinds).map(() => GrpcPeer.open(port)));
  const calls = Object.values(kinds).map((begin, i) => begin(peers[i]!.client));
  const ended = calls.map((call) => statusOf(call));
  return {
    ended: Promise.all(ended),
    destroy: () => peers.forEach((peer) => peer.destroy()),
  };
}

test('while draining calls of all four kinds are refused with a push-back', async () => {
  await using server = await startServer(FIXTURE);
  const busy = await GrpcPeer.open(server.port);
  const slow = busy.ask('/slow?ms=3000');
  await server.printed('working');
  server.signal('SIGTERM');
  await server.printed('state draining');
  const late = await beginAll(server.port);
  for (const { code, metadata } of await late.ended) {
    assert.equal(code, status.UNAVAILABLE);
    assert.ok(Number(metadata.get('grpc-retry-pushback-ms')[0]) > 0, 'it says when to come back');
  }
  assert.equal((await slow)?.text, 'slow');
  late.destroy();
  busy.destroy();
  assert.equal((await server.ended).code, 0);
  assert.match(server.output(), /completed 1, lost 0, refused 4; exit 0/);
});

test('at the deadline calls of all four kinds are cut with DEADLINE_EXCEEDED', async () => {
  await using server = await startServer(FIXTURE, { env: { GRACE_MS: '400' } });
  const running = await beginAll(server.port);
  await server.printed(/(?:hanging[^]*){2}/);
  await server.printed(/(?:working[^]*){2}/);
  server.signal('SIGTERM');
  const codes = (await running.ended).map(({ code }) => code);
  assert.deepEqual(codes, Array(4).fill(status.DEADLINE_EXCEEDED));
  running.destroy();
  assert.equal((await server.ended).code, 3);
  assert.match(server.output(), /: expired 4, lost 0, refused 0; exit 3/);
});

test('tryShutdown of the application ends, with a call that hangs and a client that is deaf', async () => {
  const lifecycle = createLifecycle({ graceMs: 400, forceMs: 400 });
  const server = attachGrpc(lifecycle, new Server());
  const begun = Promise.withResolvers<void>();
  server.addService({ unary: works.unary }, { unary: () => begun.resolve() });
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) =>
      resolve(bound),
    );
  });
  lifecycle.ready();
  const tryShutdown = (): Promise<unknown> =>
    new Promise((resolve) => server.tryShutdown((error) => resolve(error)));
  const inHook = Promise.withResolvers<unknown>();
  lifecycle.onClose('grpc', async () => inHook.resolve(await tryShutdown()));
  const peer = await GrpcPeer.open(port);
  const cut = statusOf(kinds.unary(peer.client));
  await begun.promise;
  const raw = await RawHttp2.open(port);
  const deaf = deafen(raw.socket);

  const stopped = lifecycle.stop({ reason: 'test' });
  const inDrain = lifecycle.when('draining').then(tryShutdown);
  const record = await stopped;
  assert.deepEqual(await Promise.all([inDrain, inHook.promise]), [undefined, undefined]);
  assert.equal((await cut).code, status.DEADLINE_EXCEEDED);
  assert.equal(record.outcomes.expired, 1);
  assert.equal(record.failure, undefined);
  deaf.destroy();
  peer.destroy();
});
