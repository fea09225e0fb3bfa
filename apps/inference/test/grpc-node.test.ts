import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inferenceClient, predict, read } from './support/grpc.ts';
import { startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const lastcall = `${root}packages/cli/bin/lastcall.js`;

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

test(
  'two workers share the gRPC port; a reload under load loses no call',
  { timeout: 240_000 },
  async () => {
    await using folder = dataFolder();
    const control = join(folder.path, 'control.sock');
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const config = `${root}apps/inference/lastcall.yaml`;
    const sockets = ['--port', '0', '--listen', address, '--control', control];
    const serve = [lastcall, 'serve', '--config', config, ...sockets];
    const env = {
      LASTCALL_DATA_DIR: folder.path,
      LASTCALL_PROVE_MS: '100',
      MODEL_TOKENS_PER_SECOND: '100',
      HOST: '127.0.0.1',
      GRPC_PORT: port,
    };
    await using node = await startService(env, { cwd: root, program: serve });

    const stream = inferenceClient(address);
    const reading = read(
      stream.streamPredict({ input: 'When', minOutputTokens: 400, maxOutputTokens: 400 }),
    );
    await reading.came(1);
    const load = { running: true, calls: 0 };
    const clients = Array.from({ length: 6 }, async (_, seed) => {
      const client = inferenceClient(address);
      while (load.running) {
        await predict(client, { input: 'The harbour', seed, maxOutputTokens: 2 });
        load.calls += 1;
      }
      client.close();
    });
    const failed = Promise.all(clients);
    failed.catch(() => undefined); // told below
    const { stdout } = await run(process.execPath, [lastcall, 'reload', '--control', control]);
    assert.match(stdout, /reload/i);
    load.running = false;
    await failed;
    assert.ok(load.calls > 0);
    assert.equal(await reading.ended, undefined);
    assert.equal(reading.parts.length, 401);
    stream.close();
    assert.equal(await node.end('SIGTERM'), 0, node.output());
    assert.doesNotMatch(node.output(), /lost [1-9]/);
  },
);
