// What the probe takes for a route must be one, and the port must be the server's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessConfig } from '../src/probe/guess.ts';
import { plain } from './support/servers.ts';

const guess = (code: string) => guessConfig([process.execPath, '-e', code], '.');

test('an event stream that never ends by itself, or at once, is not one of {ms}', async () => {
  for (const then of ['', 's.end();']) {
    const code = `require('http').createServer((q, s) => {
      if (q.url === '/') return s.end('hello');
      if (!q.url.startsWith('/events')) { s.statusCode = 404; return s.end(); }
      s.writeHead(200, { 'content-type': 'text/event-stream' });
      s.write('data: x\\n\\n'); ${then}
    }).listen(process.env.PORT, '127.0.0.1');`;
    const { config } = await guess(code);
    assert.deepEqual(Object.keys(config.routes), ['fast']);
  }
});

test('a server that opens another listener first is found on $PORT', async () => {
  const metrics = plain.replace('process.env.PORT', '0');
  const { config, found } = await guess(`${metrics} setTimeout(() => { ${plain} }, 400);`);
  assert.deepEqual(config.ports, { http: 'PORT' });
  assert.equal(found[0], 'it listens on $PORT');
});

test('a server that answers every path, each time in other words, offers none of them', async () => {
  const { config } = await guess(
    plain.replace("'hello'", "'request ' + require('crypto').randomUUID()"),
  );
  assert.deepEqual(Object.keys(config.routes), ['fast']);
  assert.equal(config.routes.fast?.path, '/');
});
