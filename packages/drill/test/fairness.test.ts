// No server is accused of what it did not do.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import http2 from 'node:http2';
import { test } from 'node:test';
import { loadCases } from '../src/cases/load.ts';
import { schema } from '../src/config/schema.ts';
import { parseConfig } from '../src/config/load.ts';
import { Account, Exchange } from '../src/engine/account.ts';
import { Connection } from '../src/engine/connection.ts';
import { Context } from '../src/engine/context.ts';
import { late, within } from '../src/engine/clock.ts';
import { select } from '../src/engine/drill.ts';
import { encode, types } from '../src/engine/frames.ts';
import { H2Client } from '../src/engine/h2.ts';
import { freePort } from '../src/engine/ports.ts';
import { ResponseParser } from '../src/engine/parser.ts';
import { runCase } from '../src/engine/run.ts';
import { Timeline } from '../src/engine/timeline.ts';
import { plain, script } from './support/servers.ts';

const all = await loadCases();
const options = { seed: 1, clients: 8 };

async function judge(slug: string, code: string, extra: Record<string, unknown> = {}) {
  const [one] = select(all, [slug]);
  assert(one);
  return runCase(one, {
    config: script(code, { routes: { fast: '/' }, readyWithin: '10s', ...extra }),
    ...options,
  });
}

/** Answers in HTTP/1.0, one request a connection, as the server of Python's standard library does. */
const oldServer = `require('net').createServer((socket) => {
    socket.on('error', () => {}).once('data', () =>
      socket.end('HTTP/1.0 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello'));
  }).listen(process.env.PORT, '127.0.0.1');`;

test('a server that speaks HTTP/1.0 keeps no connection, and loses nothing by it', async () => {
  for (const slug of ['http1/pipelined-race', 'http1/keepalive-race', 'connections/many-wake-up']) {
    const { verdict, actual } = await judge(slug, oldServer);
    assert.equal(verdict, 'not applicable', `${slug}: ${actual}`);
  }
});

test('an HTTP/1.0 answer announces the close, unless it says keep-alive', () => {
  const announced = (head: string): boolean => {
    const timeline = new Timeline();
    const parser = new ResponseParser([new Exchange('GET', '/', timeline.lane('x'), timeline)]);
    parser.feed(Buffer.from(`${head}\r\nContent-Length: 0\r\n\r\n`));
    return parser.closeAnnounced;
  };
  assert.equal(announced('HTTP/1.0 200 OK'), true);
  assert.equal(announced('HTTP/1.0 200 OK\r\nConnection: Keep-Alive'), false);
  assert.equal(announced('HTTP/1.1 200 OK'), false);
});

/** Ends the connections of these requests without an answer, and all others by the signal. */
const loses = (when: string): string =>
  `let count = 0; ${plain.replace("s.end('hello')", `${when} ? s.destroy() : s.end('hello')`)}`;

test('what a server loses without a stop is not held against its stop', async () => {
  const served = `process.on('SIGTERM', () => setTimeout(() => process.exit(0), 2000));`;
  const code = `${loses('++count % 20 === 0')} ${served}`;
  const { verdict, actual, totals } = await judge('http1/keepalive-race', code);
  assert.equal(verdict, 'not applicable', actual);
  assert.match(actual ?? '', /already before the stop: .*lost/);
  assert.equal(totals.lost, 0);
});

test('what it loses beyond that at its stop is', async () => {
  const { verdict, actual, totals } = await judge('http1/keepalive-race', loses('++count === 50'));
  assert.equal(verdict, 'fail', actual);
  assert.equal(totals.lost, 7);
});

for (const words of [
  'OSError: [Errno 98] Address already in use',
  'listen tcp 127.0.0.1:80: bind: address already in use',
  'bind() to 127.0.0.1:80 failed (98: Address already in use)',
]) {
  test(`a port that was taken in the meantime is another try: ${words}`, async () => {
    const code = `const fs = require('fs'), file = process.env.TRIED;
      if (!fs.existsSync(file)) {
        fs.writeFileSync(file, '');
        console.error(${JSON.stringify(words)});
        process.exit(1);
      }
      ${plain}`;
    const { verdict, actual } = await judge('exit/ends', code, { env: { TRIED: '{temp}/tried' } });
    assert.equal(verdict, 'pass', actual);
  });
}

async function listen(onSocket: (socket: net.Socket) => void, host = '127.0.0.1') {
  const server = net.createServer(onSocket).listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return { server, port };
}

test('an HTTP/2 server that ends the connection at once has taken no session', async (t) => {
  const { server, port } = await listen((socket) => socket.on('error', () => undefined).end());
  t.after(() => server.close());
  const ctx = new Context({ config: schema.parse({ command: 'x' }), ...options });
  t.after(() => ctx.end());
  const end = await within(
    H2Client.connect(ctx, { port, secure: false }).then(
      () => 'connected',
      (error: unknown) => String(error),
    ),
    5000,
  );
  assert.notEqual(end, late, 'it waits for ever');
  assert.match(String(end), /cannot connect/);
});

test('a stream that the client had not yet sent when a GOAWAY came is not lost', async (t) => {
  const ctx = new Context({ config: schema.parse({ command: 'x' }), ...options });
  t.after(() => ctx.end());
  const wire = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const session = http2.connect('http://x', { createConnection: () => wire });
  wire.push(encode(types.settings, 0, 0, Buffer.alloc(0)));
  await once(session, 'remoteSettings');
  const client = new H2Client(session, ctx);
  const { exchange } = client.send({ path: '/' });
  const goaway = Buffer.alloc(8);
  goaway.writeUInt32BE(2 ** 31 - 1, 0);
  wire.push(encode(types.goaway, 0, 0, goaway));
  const done = await within(exchange.done, 3000);
  assert.notEqual(done, late);
  assert.equal(exchange.outcome, 'void', String(exchange));
});

test('an IPv6 address is named in brackets', async (t) => {
  const { server, port } = await listen((socket) => socket.resume(), '::1');
  t.after(() => server.close());
  const connection = await Connection.open({ host: '::1', port }, new Account(), new Timeline());
  assert.match(
    connection.bytes({ path: '/' }).toString(),
    new RegExp(`host: \\[::1\\]:${port}\r\n`),
  );
  connection.destroy();
});

test('an argument may be empty, a program may not', () => {
  assert.deepEqual(parseConfig('command: [server, ""]\n', 'f').command, ['server', '']);
  assert.throws(() => parseConfig('command: ["", x]\n', 'f'), /expected a program/);
});

test('work that is longer than the grace is refused with both figures', () => {
  assert.throws(
    () => parseConfig('command: x\ngrace: 2s\nwork: 3s\n', 'f'),
    /f:3:1: work: expected less than the grace of 2000 ms.*got 3000 ms/,
  );
});

test('chunks that are not as long as they say are no answer', () => {
  for (const body of [
    '-5\r\nhello\r\n0\r\n\r\n',
    '5\r\nhelloX\r\n0\r\n\r\n',
    '5 5\r\nhello\r\n0\r\n\r\n',
  ]) {
    const timeline = new Timeline();
    const exchange = new Exchange('GET', '/', timeline.lane('x'), timeline);
    const parser = new ResponseParser([exchange]);
    parser.feed(Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`));
    assert.equal(exchange.outcome, 'lost', body);
  }
});

test('no port is given out twice in a row: the servers that were told of it have not all bound it yet', async () => {
  const ports: number[] = [];
  for (let count = 0; count < 500; count += 1) ports.push(await freePort('127.0.0.1'));
  assert.equal(new Set(ports).size, ports.length);
});

test('a time that no timer can wait for is refused: every wait would be over at once', () => {
  assert.throws(
    () => parseConfig('command: x\ngrace: 40000m\n', 'f'),
    /f:2:1: grace: .*a day at most; got "40000m"/,
  );
  assert.equal(parseConfig('command: x\ngrace: 1440m\n', 'f').grace, 86_400_000);
});

test('a server that speaks everything on one port is told of one', async (t) => {
  const ctx = new Context({
    config: script(plain, { ports: { http: 'PORT', h2: 'PORT' } }),
    ...options,
  });
  t.after(() => ctx.end());
  const { launch } = await ctx.start();
  assert.equal(launch.ports['h2'], launch.ports['http']);
});
