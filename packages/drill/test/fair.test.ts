// No case accuses a server for what it may do, or for what it does without a stop; and none lets it off unasked.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { DrillCase } from '../src/case.ts';
import { loadCases } from '../src/cases/load.ts';
import { until } from '../src/engine/clock.ts';
import { select } from '../src/engine/drill.ts';
import { startLoad } from '../src/engine/load.ts';
import { isAlive } from '../src/engine/processes.ts';
import { type RunResult, runCase } from '../src/engine/run.ts';
import { script } from './support/servers.ts';

const all = await loadCases();

function run(slug: string, code: string, extra: Record<string, unknown>): Promise<RunResult> {
  const [one] = select(all, [slug]);
  assert(one);
  const config = script(code, { readyWithin: '10s', grace: '2s', ...extra });
  return runCase(one, { config, seed: 1, clients: 8 });
}

const told = ({ verdict, expected, actual }: RunResult): string =>
  `${verdict}${actual === undefined ? '' : `: expected ${expected}; got ${actual}`}`;

/** A node:http server with these lines in its listener; at the signal it waits until nothing is in flight. */
const server = (listener: string, atSignal = ''): string => `let stopping = false, busy = 0;
  const server = require('http').createServer((q, s) => {
    busy += 1;
    s.on('close', () => { busy -= 1; });
    const url = new URL(q.url, 'http://x');
    ${listener}
    if (url.pathname === '/slow') return setTimeout(() => s.end('slow'), +url.searchParams.get('ms'));
    if (url.pathname === '/hang') return;
    s.end('hello');
  });
  server.keepAliveTimeout = 60000;
  server.listen(process.env.PORT, '127.0.0.1');
  process.on('SIGTERM', () => {
    stopping = true;
    ${atSignal}
    setInterval(() => busy === 0 && process.exit(0), 20);
  });`;

const routes = { fast: '/', slow: '/slow?ms={ms}' };

test('an answer of HTTP/1.0 is the last on its connection', async () => {
  const code = `require('net').createServer((socket) => {
      socket.on('error', () => {}).once('data', () => {
        socket.write('HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok');
        setTimeout(() => socket.end(), 5);
      });
    }).listen(process.env.PORT, '127.0.0.1');
    process.on('SIGTERM', () => setTimeout(() => process.exit(0), 300));`;
  const { verdict, totals, actual } = await run('http1/keepalive-race', code, { routes });
  assert.deepEqual(
    [verdict, totals.lost, actual],
    ['not applicable', 0, 'nothing was at risk when the stop began'],
  );
});

test('what is lost before the stop is not held against the stop', async () => {
  const code = `let count = 0; ${server('if ((count += 1) % 20 === 0) return s.destroy();')}`;
  const result = await run('http1/keepalive-race', code, { routes: { fast: '/' } });
  assert.match(told(result), /^not applicable: .*already before the stop: /);
});

test('a server that goes on serving for ever has lost nothing: it does not stop', async () => {
  const code = server('').replace('SIGTERM', 'SIGUSR2').concat(`process.on('SIGTERM', () => {});`);
  const extra = { routes: { fast: '/' }, grace: '300ms', force: '100ms' };
  const result = await run('http1/keepalive-race', code, extra);
  assert.match(told(result), /^fail: expected an exit within .*; got the process is still running/);
  assert.equal(result.totals.lost, 0);
});

test('a server that ended by itself is not said to have stopped', async () => {
  const code = `let count = 0; ${server('')}
    server.on('connection', () => (count += 1) === 15 && process.exit(0));`;
  const late = await run('connections/silent', code, { routes: { fast: '/' } });
  assert.match(told(late), /^not applicable: .*(?:already before the stop|ended by itself)/);
  // Not even seen to have ended when the signal is sent: it may not be waited for yet.
  const soon = server('').replace(
    /process\.on\('SIGTERM'[^]*/,
    'setTimeout(() => process.exit(0), 1500);',
  );
  const one: DrillCase = {
    ...select(all, ['exit/ends'])[0]!,
    async run(ctx) {
      await ctx.start();
      await until(() => (isAlive(ctx.target.pid) ? undefined : true), 10_000, 1);
      ctx.target.signal();
      await ctx.exit();
    },
  };
  const result = await runCase(one, { config: script(soon, {}), seed: 1, clients: 1 });
  assert.match(told(result), /^not applicable: .*ended by itself/);
});

test('clients that a busy machine held up send nothing then, and are counted', async () => {
  const one: DrillCase = {
    ...select(all, ['http1/keepalive-race'])[0]!,
    async run(ctx) {
      await ctx.start();
      const load = await startLoad(ctx, { clients: 3 });
      ctx.target.signal();
      const untilMs = performance.now() + 300;
      while (performance.now() < untilMs);
      await load.done;
    },
  };
  const code = server('', 'busy += 1; setTimeout(() => { busy -= 1; }, 1000);');
  const config = script(code, { routes: { fast: '/' } });
  const { notes } = await runCase(one, { config, seed: 1, clients: 3 });
  assert.deepEqual(notes, ['times that this machine held up a client, which then sent nothing: 3']);
});

test('in a leave phase the work outlasts it, and the exit is counted from its end', async () => {
  const code = server(
    `if (url.pathname === '/live') return s.end(JSON.stringify({ shutting_down: stopping }));`,
    'busy += 1; setTimeout(() => { busy -= 1; }, 900);',
  );
  const live = { ...routes, live: '/live' };
  const extra = { routes: live, leave: '900ms', work: '900ms', exitWithin: '800ms' };
  for (const slug of ['exit/prompt', 'probes/health-says', 'http1/in-flight-request']) {
    assert.equal(told(await run(slug, code, extra)), 'pass', slug);
  }
});

/** Streams end with an event of their own, and lines as `end` has them. */
const streams = (end: string, early = ''): string =>
  server(`if (url.pathname === '/stream') {
    s.writeHead(200, { 'content-type': 'text/event-stream' });
    let count = 0;
    const ticks = setInterval(() => s.write('data: ' + (count += 1) + '${end}'), 20);
    const finish = (last) => { clearInterval(ticks); s.end(last); };
    setTimeout(finish, +url.searchParams.get('ms'), 'event: done' + '${end}');
    ${early}
    return;
  }`);

test('event streams may end their lines with CRLF, and with a comment', async () => {
  const extra = { routes: { fast: '/', stream: '/stream?ms={ms}' } };
  assert.equal(told(await run('sse/not-cut-short', streams('\\r\\n\\r\\n'), extra)), 'pass');
  const early = `process.on('SIGTERM', () => finish(': bye\\\\n'));`;
  assert.equal(told(await run('sse/events-whole', streams('\\n\\n', early), extra)), 'pass');
  const half = `process.on('SIGTERM', () => finish('data: ha\\\\n'));`;
  assert.match(told(await run('sse/events-whole', streams('\\n\\n', half), extra)), /^fail: /);
});

test('trailers are for a client that takes them', async () => {
  const code = server(`if (url.pathname === '/trailers') {
    const able = q.headers.te === 'trailers';
    s.writeHead(200, able ? { trailer: 'x-sum' } : {}).write('one');
    return setTimeout(() => {
      if (able) s.addTrailers({ 'x-sum': '1' });
      s.end('two');
    }, +url.searchParams.get('ms'));
  }`);
  const extra = { routes: { fast: '/', trailers: '/trailers?ms={ms}' } };
  assert.equal(told(await run('http1/trailers', code, extra)), 'pass');
});

test('an answer of success is any from 200 to 299, and for a liveness probe to 399', async () => {
  const code = server(`if (url.pathname === '/') return s.writeHead(204).end();
    if (url.pathname === '/live') return s.writeHead(302).end();`);
  const extra = { routes: { ...routes, live: '/live' } };
  for (const slug of ['probes/liveness-stays', 'exit/port-released']) {
    assert.equal(told(await run(slug, code, extra)), 'pass', slug);
  }
});

test('a pattern for the log is held against its lines', async () => {
  const code = server('', `console.log('stopped'); console.log('good-bye');`);
  const extra = { routes, logPattern: '^stopped$' };
  assert.equal(told(await run('exit/logs-flushed', code, extra)), 'pass');
});

test('a server that dies of the first signal says nothing about a second, or about its hooks', async () => {
  const code = server('').replace('SIGTERM', 'SIGUSR2');
  const second = await run('signals/second-signal', code, { routes: { fast: '/', hang: '/hang' } });
  assert.match(told(second), /^not applicable: .*ended before the second signal/);
  const hook = await run('exit/failing-hook', code, { variants: { failingHook: {} } });
  assert.match(told(hook), /^fail: .*ended by SIGTERM/);
});

test('a helper beside the workers need not be replaced', async () => {
  const code = `const { spawn } = require('child_process');
    const start = (name) => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6) // ' + name]);
    ${server('')}
    const helper = start('helper');
    let worker = start('worker');
    process.on('SIGHUP', () => { worker.kill(); worker = start('worker'); });
    process.on('exit', () => { helper.kill(); worker.kill(); });`;
  const extra = { routes: { fast: '/' }, reload: { signal: 'SIGHUP' }, grace: '1s' };
  assert.equal(told(await run('reload/workers-replaced', code, extra)), 'pass');
});

test('what a socket says by itself is no result', async () => {
  const ws = createRequire(import.meta.url).resolve('ws');
  const code = `${server('', 'for (const one of wss.clients) one.close(1012);')}
    const wss = new (require('${ws}').WebSocketServer)({ server });
    wss.on('connection', (one) => { one.send('hello'); one.send('welcome'); });`;
  const extra = { routes: { fast: '/', websocket: '/ws' }, websocketTask: 'task:{ms}' };
  const result = await run('websocket/result-before-close', code, extra);
  assert.match(told(result), /^fail: expected both results before the close; got 0 of 2/);
});
