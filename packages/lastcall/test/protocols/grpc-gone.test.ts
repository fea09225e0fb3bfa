// The lease of a call whose client goes, or whose time is over, ends and says so to its handler.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { type TestContext, test } from 'node:test';
import { createLifecycle, type Lease } from 'lastcall';
import { attachGrpc, leaseOf } from 'lastcall/grpc';

const PATH = '/test.Hold/Hold';
const bytes = (value: Buffer): Buffer => value;

/** A server whose one unary call is never answered, and a client of it. */
async function holding(t: TestContext) {
  const lifecycle = createLifecycle();
  const server = attachGrpc(lifecycle, new Server());
  const held = Promise.withResolvers<Lease>();
  const hold = (call: ServerUnaryCall<Buffer, Buffer>): void => {
    const lease = leaseOf(call);
    if (lease) held.resolve(lease);
  };
  server.register(PATH, hold, bytes, bytes, 'unary');
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  lifecycle.ready();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 30_000, (error) => (error ? reject(error) : resolve()));
  });
  t.after(() => {
    client.close();
    server.forceShutdown();
  });
  return { lifecycle, client, held: held.promise };
}

for (const [what, deadlineMs] of [
  ['a client that cancels', undefined],
  // Not before the call has reached the server, also where both are held up.
  ['a client whose deadline passes', 3_000],
] as const)
  test(`${what}: the signal aborts, and the call is cancelled`, async (t) => {
    const { lifecycle, client, held } = await holding(t);
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    const failed = Promise.withResolvers<unknown>();
    const call = client.makeUnaryRequest(
      PATH,
      bytes,
      bytes,
      Buffer.from('x'),
      new Metadata(),
      options,
      (error) => failed.resolve(error),
    );
    const lease = await held;
    assert.equal(lifecycle.inFlight, 1);
    const aborted = once(lease.signal, 'abort');
    if (deadlineMs === undefined) call.cancel();
    await Promise.all([aborted, failed.promise]);
    assert.equal(lease.outcome, 'cancelled');
    assert.equal((lease.signal.reason as { code: string }).code, 'ERR_LASTCALL_CLIENT_GONE');
    assert.equal(lifecycle.inFlight, 0);
  });
