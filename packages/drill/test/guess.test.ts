// What a server offers is found by asking, and nothing is found that is not there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessConfig } from '../src/probe/guess.ts';
import { plain } from './support/servers.ts';

const guess = (code: string) => guessConfig([process.execPath, '-e', code], '.');

test('routes are guessed by probing', async () => {
  const code = `require('http').createServer((q, s) => {
    if (q.url === '/ready') return s.end('{}');
    if (q.url.startsWith('/slow')) return setTimeout(() => s.end('slow'), 300);
    if (q.url === '/') return s.end('hello');
    s.statusCode = 404; s.end();
  }).listen(process.env.PORT, '127.0.0.1');`;
  const { config, found } = await guessConfig([process.execPath, '-e', code], '.');
  assert.equal(config.routes.fast?.path, '/');
  assert.equal(config.routes.ready?.path, '/ready');
  assert.equal(config.routes.slow?.path, '/slow?ms={ms}');
  assert.equal(config.routes.upload, undefined);
  assert(found.includes('it listens on $PORT'));
});

test('a server on a port of its own is found', async () => {
  const code = plain.replace('process.env.PORT', '0');
  const { config } = await guessConfig([process.execPath, '-e', code], '.');
  assert.equal(typeof config.ports.http, 'number');
});

/** Listens on $PORT and knows these paths alone. */
const knows = (paths: readonly string[]): string => `require('http').createServer((q, s) => {
  if (!${JSON.stringify(paths)}.includes(q.url)) s.statusCode = 404;
  s.end('asked for ' + q.url);
}).listen(process.env.PORT, '127.0.0.1');`;

test('of a server that answers every path alike only the root is taken for a route', async () => {
  const { config, found } = await guess(plain.replace("'hello'", "'you asked for ' + q.url"));
  assert.deepEqual(Object.keys(config.routes), ['fast']);
  assert.equal(config.routes.fast?.path, '/');
  assert(found.some((one) => one.startsWith('assumed: stopSignal SIGTERM; grace 5s')));
});

test('a health check is taken for liveness, not for readiness', async () => {
  const { config } = await guess(knows(['/', '/health']));
  assert.equal(config.routes.live?.path, '/health');
  assert.equal(config.routes.ready, undefined);
});

test('of several ports the one that speaks HTTP is taken', async () => {
  const mute = `require('net').createServer(() => {}).listen(0, '127.0.0.1');`;
  const speaking = plain.replace('process.env.PORT', '0').replace(/;$/, '');
  const { config } = await guess(`${mute} ${mute} ${speaking}`);
  assert.equal(config.routes.fast?.path, '/');
});

test('a server is found that has written over its environment, as nginx does', async () => {
  const code = plain.replace('process.env.PORT', '0');
  const bare = ['env', '-i', process.execPath, '-e', code];
  const { config } = await guessConfig(bare, '.');
  assert.equal(typeof config.ports.http, 'number');
});

test('a server that goes into the background is told to stay in the foreground', async () => {
  const daemon = `require('child_process').spawn(process.execPath,
    ['-e', 'setInterval(()=>{},1000)'], { detached: true, stdio: 'ignore' }).unref();`;
  await assert.rejects(guess(daemon), {
    code: 'EXITED_EARLY',
    message: /It left a process running [^]*start the server in the foreground/,
  });
});
