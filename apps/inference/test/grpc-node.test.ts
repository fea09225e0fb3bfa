import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ServiceError } from '@grpc/grpc-js';
import { grpcAddress, inferenceClient, predict, read } from './support/grpc.ts';
import { startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';
import { wireTo } from './support/wire.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const lastcall = `${root}packages/cli/bin/lastcall.js`;

test(
  'two workers share the gRPC port; a reload under load loses no call',
  { timeout: 240_000 },
  async () => {
    await using folder = dataFolder();
    const control = join(folder.path, 'control.sock');
    const config = `${root}apps/inference/lastcall.yaml`;
    const sockets = ['--port', '0', '--listen', '127.0.0.1:0', '--control', control];
    const serve = [lastcall, 'serve', '--config', config, ...sockets];
    const env = {
      LASTCALL_DATA_DIR: folder.path,
      LASTCALL_PROVE_MS: '100',
      MODEL_TOKENS_PER_SECOND: '100',
      HOST: '127.0.0.1',
      GRPC_PORT: '0',
    };
    await using node = await startService(env, { cwd: root, program: serve });
    const address = await grpcAddress(node);
    await using wire = await wireTo(address);

    const stream = inferenceClient(wire.address);
    const reading = read(
      stream.streamPredict({ input: 'When', minOutputTokens: 400, maxOutputTokens: 400 }),
    );
    await reading.came(1);
    const load = { running: true, answered: 0, failed: [] as string[] };
    const clients = Array.from({ length: 6 }, async (_, seed) => {
      const client = inferenceClient(wire.address);
      while (load.running) {
        const call = predict(client, { input: 'The harbour', seed, maxOutputTokens: 2 });
        await call.then(
          () => (load.answered += 1),
          (error: ServiceError) => load.failed.push(error.message),
        );
      }
      client.close();
    });
    const failed = Promise.all(clients);
    failed.catch(() => undefined); // told below
    const { stdout } = await run(process.execPath, [lastcall, 'reload', '--control', control]);
    assert.match(stdout, /reload/i);
    load.running = false;
    await failed;
    assert.ok(load.answered > 0);
    assert.equal(await reading.ended, undefined);
    assert.equal(reading.parts.length, 401);
    // A client that learns that its connection ends throws away the calls it has not yet written.
    assert.equal(
      wire.streams(),
      load.answered + 1,
      `sent, not answered: of ${load.failed.join(', ')}`,
    );
    stream.close();
    const bound = [...node.output().matchAll(/gRPC on (\S+)/g)].map(([, at]) => at);
    assert.deepEqual(bound, Array(4).fill(address), 'two workers, and two after the reload');
    assert.equal(await node.end('SIGTERM'), 0, node.output());
    assert.doesNotMatch(node.output(), /lost [1-9]/);
  },
);

test("a port of each worker's own is refused", { timeout: 120_000 }, async () => {
  await using folder = dataFolder();
  const config = `${root}apps/inference/lastcall.yaml`;
  const control = join(folder.path, 'control.sock');
  const env = { LASTCALL_DATA_DIR: folder.path, HOST: '127.0.0.1', GRPC_PORT: '0' };
  const program = [lastcall, 'serve', '--config', config, '--port', '0', '--control', control];
  await using node = await startService(env, { boot: true, cwd: root, program });
  await node.printed(/GRPC_PORT: expected a port that lastcall serve holds, got 0/);
  assert.notEqual(await node.ended, 0, node.output());
});
