import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Console } from '../src/index.ts';
import { Crowd, stopOf } from './crowd.ts';
import { call } from './support.ts';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** A client that reads only when it is told to. */
class Viewer {
  readonly socket: Socket;
  text = '';

  constructor(url: string) {
    this.socket = connect(Number(new URL(url).port), '127.0.0.1');
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
    });
  }

  ask(times = 1): this {
    this.socket.write('GET /console/feed HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(times));
    return this;
  }

  /** The data of all events of a name so far, in order. */
  events<Data>(name: string): Data[] {
    const found = this.text.matchAll(new RegExp(`event: ${name}\\nid: .*\\ndata: (.*)\\n\\n`, 'g'));
    return [...found].map(([, data]) => JSON.parse(data!) as Data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.closed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const limitMs = performance.now() + 60_000;
  while (!(await holds())) {
    assert.ok(performance.now() < limitMs, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Hello {
  resumed: boolean;
  points: { id: number; atMs: number }[];
  stops: { pid: number }[];
}
interface Tick {
  point?: { id: number; atMs: number };
}

test('the page is served although its files have gone since the start', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-console-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const part of ['package.json', 'src', 'assets'])
    cpSync(join(PACKAGE, part), join(dir, part), { recursive: true });
  const copy = (await import(pathToFileURL(join(dir, 'src/index.ts')).href)) as {
    Console: typeof Console;
  };
  const page = new copy.Console(new Crowd());
  rmSync(join(dir, 'assets'), { recursive: true });
  const server = createServer((request, response) => {
    try {
      page.handle(request, response);
    } catch (error) {
      response.writeHead(500).end((error as Error).message);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (const path of ['/', '/console', '/console/page.js', '/console/page.css'])
    assert.equal((await call(`http://127.0.0.1:${port}${path}`)).status, 200, path);
});

test('feeds that wait behind another one on a connection are no viewers, and none is left of them', async () => {
  await using served = await new Crowd().serve();
  {
    await using viewer = new Viewer(served.url).ask(256);
    await until('the first feed is served', () => viewer.events('tick').length > 0);
  }
  const free = async (): Promise<boolean> => {
    await using next = new Viewer(served.url).ask();
    await until('an answer', () => /^HTTP\/1\.1 \d/.test(next.text));
    return next.text.startsWith('HTTP/1.1 200');
  };
  assert.ok(await free());
});

test('a look that ends just after the feeds were closed writes to none of them', async (t) => {
  const crowd = new Crowd();
  const { Console } = await import('../src/index.ts');
  const page = new Console(crowd);
  let feed: ServerResponse | undefined;
  const server = createServer((request, response) => {
    feed = response;
    page.handle(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  await using viewer = new Viewer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  viewer.ask();
  await until('a look', () => viewer.events('tick').length > 0);
  const looking = Promise.withResolvers<void>();
  const seen = Promise.withResolvers<void>();
  crowd.look = () => {
    looking.resolve();
    return seen.promise;
  };
  await looking.promise;
  const errors: Error[] = [];
  feed!.on('error', (error) => errors.push(error));
  page.close();
  seen.resolve();
  server.closeAllConnections();
  await once(viewer.socket, 'close');
  assert.deepEqual(errors, []);
});

test('a viewer that did not read for a while is told what it missed: points and stops', async () => {
  const crowd = new Crowd();
  // Some hundred kilobytes a look: what the kernel takes in between is soon full.
  const snapshot = crowd.snapshot.bind(crowd);
  crowd.snapshot = async () => ({ ...(await snapshot()), doing: 'x'.repeat(800_000) });
  await using served = await crowd.serve();
  await using slow = new Viewer(served.url).ask();
  await using quick = new Viewer(served.url).ask();
  const told = (): number[] => [
    ...slow.events<Hello>('hello').flatMap(({ points }) => points.map(({ id }) => id)),
    ...slow.events<Tick>('tick').flatMap(({ point }) => point?.id ?? []),
  ];
  await until('a look', () => told().length > 0);
  slow.socket.pause();
  const looks = quick.events('tick').length;
  await until('twenty looks', () => quick.events('tick').length > looks + 20);
  crowd.kept = [stopOf(7)];
  await until('the stop is told', () => quick.events('stop').length === 1);
  const last = Math.max(...quick.events<Tick>('tick').map(({ point }) => point?.id ?? 0));
  slow.socket.resume();
  await until('the slow one goes on', () => Math.max(...told()) > last);
  const ids = told().toSorted((a, b) => a - b);
  assert.deepEqual(
    ids,
    ids.map((_, i) => ids[0]! + i),
    'each point once',
  );
  const stops = slow.events<Hello>('hello').flatMap((hello) => hello.stops);
  assert.ok([...stops, ...slow.events<{ pid: number }>('stop')].some(({ pid }) => pid === 7));
});

test('the curve goes on when the clock of the machine is put back', async (t) => {
  await using served = await new Crowd().serve();
  await using viewer = new Viewer(served.url).ask();
  const times = (): number[] =>
    viewer.events<Tick>('tick').flatMap(({ point }) => point?.atMs ?? []);
  await until('two looks', () => times().length >= 2);
  const now = Date.now;
  t.after(() => (Date.now = now));
  Date.now = () => now() - 3_600_000;
  const before = times().length;
  await until('two looks more', () => times().length >= before + 2);
  assert.ok(
    times().every((ms, i, all) => i === 0 || ms > all[i - 1]!),
    times().join(' '),
  );
});

test('a request for nothing is told what may be asked for', async () => {
  const crowd = new Crowd();
  await using served = await crowd.serve();
  const headers = { 'content-type': 'application/json', 'x-lastcall-console': '1' };
  for (const body of ['null', '[]', '7', '{}']) {
    const reply = await call(`${served.url}/act`, { method: 'POST', headers, body });
    assert.equal(reply.status, 400, body);
    assert.match(reply.body, /expected one of drain, resume/, body);
  }
});
