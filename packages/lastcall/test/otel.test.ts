import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startServer } from './support/process.ts';
import { freePort } from './support/ports.ts';

interface Call {
  path: string;
  body: unknown;
  /** What the admin listener said at that moment. */
  health: number;
}

/** Whether the admin listener answers: 0 when it does not. */
const healthAt = (port: number): Promise<number> =>
  fetch(`http://127.0.0.1:${port}/health`, { headers: { connection: 'close' } }).then(
    ({ status }) => status,
    () => 0,
  );

test('the SDK is flushed after everything else, before the admin listener closes, and the exit waits for it', async () => {
  const calls: Call[] = [];
  let adminPort = 0;
  const collector = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      void healthAt(adminPort).then((health) => {
        calls.push({ path: request.url ?? '', body: JSON.parse(text), health });
        response.end();
      });
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  try {
    const { port } = collector.address() as AddressInfo;
    const env = { COLLECTOR: `http://127.0.0.1:${port}` };
    await using server = await startServer('otel-server.ts', { env });
    adminPort = Number(/admin (\d+)/.exec(server.output())?.[1]);
    const answer = await fetch(`http://127.0.0.1:${server.port}/`);
    assert.equal(await answer.text(), 'ok');
    server.signal('SIGTERM');
    assert.equal((await server.ended).code, 0);
    const paths = calls.map(({ path }) => path);
    assert.deepEqual(paths.slice(0, 3), ['/checkpoint', '/close', '/flush']);
    assert.deepEqual(paths.slice(3).toSorted(), ['/logs', '/spans']);
    assert.ok(
      calls.every(({ health }) => health === 200),
      'the admin listener outlives the flush',
    );
    const sent = (what: string): string[] =>
      (calls.find(({ path }) => path === what)?.body ?? []) as string[];
    assert.deepEqual(sent('/spans').toSorted(), [
      'lastcall.closing',
      'lastcall.draining',
      'lastcall.leaving',
      'lastcall.stop',
      'request',
    ]);
    assert.match(String(sent('/logs')[0]), /service stopped after \d+ ms \(SIGTERM\)/);
    assert.match(server.output(), /exit 0/);
  } finally {
    collector.close();
    collector.closeAllConnections();
  }
});

test('a collector that is away does not keep the process', async () => {
  const port = await freePort();
  const env = { COLLECTOR: `http://127.0.0.1:${port}` };
  await using server = await startServer('otel-server.ts', { env });
  server.signal('SIGTERM');
  // The hooks of the fixture cannot reach it either, and say so.
  assert.equal((await server.ended).code, 1);
  assert.match(server.output(), /3 hook\(s\) failed while stopping/);
});
