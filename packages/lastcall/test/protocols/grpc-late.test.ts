import assert from 'node:assert/strict';
import { Client, credentials, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { test } from 'node:test';
import { createLifecycle } from 'lastcall';
import { attachGrpc } from 'lastcall/grpc';
import { type Text, works } from './support/grpc-service.ts';

const GRACE_MS = 8_000;

/** The text of the answer, or the code of the failure. */
function call(client: Client): Promise<string | number> {
  const { path, requestSerialize, responseDeserialize } = works.unary;
  return new Promise((resolve) => {
    client.makeUnaryRequest<Text, Text>(
      path,
      requestSerialize,
      responseDeserialize,
      { text: 'hello' },
      (error, answer) => resolve(error ? error.code : (answer?.text ?? '')),
    );
  });
}

test('an address bound while leaving is served, then refuses, and does not hold the stop', async () => {
  const lifecycle = createLifecycle({ leaveMinMs: 5_000, graceMs: GRACE_MS });
  const server = attachGrpc(lifecycle, new Server());
  server.addService(
    { unary: works.unary },
    {
      unary: (asked: { request: Text }, answer: (error: null, text: Text) => void) =>
        answer(null, asked.request),
    },
  );
  lifecycle.ready();
  const job = lifecycle.admit({ kind: 'job' });
  const stopped = lifecycle.stop({ reason: 'test' });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const address = `127.0.0.1:${port}`;
  // It connects, and stays connected as long as the server lets it.
  const idle = new Client(address, credentials.createInsecure());
  const client = new Client(address, credentials.createInsecure());
  assert.equal(await call(idle), 'hello');
  assert.equal(await call(client), 'hello');
  assert.equal(lifecycle.state, 'leaving');
  void lifecycle.drain({ reason: 'test' });
  await lifecycle.when('draining');
  assert.equal(await call(client), status.UNAVAILABLE);
  assert.ok(job.admitted && job.end());
  const record = await stopped;
  idle.close();
  client.close();
  assert.equal(record.exitCode, 0);
  assert.equal(record.lost, 0);
  assert.ok(record.durationMs < GRACE_MS, `it took ${record.durationMs} ms`);
});
