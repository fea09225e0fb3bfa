import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer } from './support/process.ts';
import { RawClient } from './support/raw-client.ts';

const REPEAT = Number(process.env.REPEAT ?? 1);
const MIB = 1024 * 1024;

for (let round = 1; round <= REPEAT; round += 1) {
  test(`32 MiB to a reader that pauses: whole (${round})`, async () => {
    await using server = await startServer();
    const client = await RawClient.open(server.port);
    client.get('/large');
    client.socket.once('data', () => {
      client.socket.pause();
      server.signal('SIGTERM');
      setTimeout(() => client.socket.resume(), 500);
    });
    const answer = await client.answer();
    assert.equal(answer?.body.length, 32 * MIB);
    assert.equal(await client.closed(), 'end');
    assert.equal((await server.ended).code, 0);
  });

  test(`3 pipelined requests: 3 answers, the last one closes (${round})`, async () => {
    await using server = await startServer();
    const client = await RawClient.open(server.port);
    const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    client.write(request('/slow?ms=200') + request('/') + request('/slow?ms=100'));
    await server.printed('working');
    server.signal('SIGTERM');
    const answers = [await client.answer(), await client.answer(), await client.answer()];
    assert.deepEqual(
      answers.map((answer) => answer?.body.toString()),
      ['slow', 'ok', 'slow'],
    );
    assert.equal(answers[2]?.headers.get('connection'), 'close');
    assert.equal(await client.closed(), 'end');
  });

  test(`3 requests pipelined after SIGTERM on an open connection: 3 answers (${round})`, async () => {
    await using server = await startServer();
    const client = await RawClient.open(server.port);
    client.get('/');
    await client.answer();
    // An idle connection is kept for three times the pace of its client: long enough for a busy machine.
    await sleep(1_000);
    client.get('/');
    await client.answer();
    server.signal('SIGTERM');
    await server.printed('state draining');
    const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
    client.write(request + request + request);
    const answers = [await client.answer(), await client.answer(), await client.answer()];
    assert.deepEqual(
      answers.map((answer) => answer?.status),
      [503, 503, 503],
    );
    assert.deepEqual(
      answers.map((answer) => answer?.headers.get('connection')),
      ['keep-alive', 'keep-alive', 'close'],
    );
    assert.equal(answers[2]?.headers.get('retry-after'), '1');
  });

  test(`a request head in two halves across SIGTERM: answered (${round})`, async () => {
    await using server = await startServer();
    const client = await RawClient.open(server.port);
    client.write('GET / HTTP/1.1\r\nHo');
    const other = await RawClient.open(server.port);
    other.get('/');
    await other.answer();
    server.signal('SIGTERM');
    await server.printed('state draining');
    setTimeout(() => client.write('st: localhost\r\n\r\n'), 700);
    const answer = await client.answer();
    assert.ok(answer, 'the half head was answered');
    assert.equal(answer.headers.get('connection'), 'close');
    assert.equal((await server.ended).code, 0);
    other.destroy();
  });

  test(`an upload in progress: whole (${round})`, async () => {
    await using server = await startServer();
    const client = await RawClient.open(server.port);
    client.write(`POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${4 * MIB}\r\n\r\n`);
    client.write(Buffer.alloc(MIB));
    await server.printed('working');
    server.signal('SIGTERM');
    await server.printed('state draining');
    client.write(Buffer.alloc(3 * MIB));
    assert.equal((await client.answer())?.body.toString(), String(4 * MIB));
    assert.equal((await server.ended).code, 0);
  });

  test(`a chunked event stream: to its end (${round})`, async () => {
    await using server = await startServer();
    const client = await RawClient.open(server.port);
    client.get('/stream?ms=400');
    await server.printed('working');
    server.signal('SIGTERM');
    const answer = await client.answer();
    assert.match(answer?.body.toString() ?? '', /data: 9\n\ndata: done\n\n$/);
    assert.equal((await server.ended).code, 0);
  });

  test(`a peer that still sends is not reset before it has read its answer (${round})`, async () => {
    await using server = await startServer();
    const client = await RawClient.open(server.port);
    client.get('/large?ms=300');
    await server.printed('working');
    server.signal('SIGTERM');
    client.socket.once('data', () => {
      client.socket.pause();
      // More bytes than the server will ever want, while the answer waits in the kernel's buffers.
      client.write(Buffer.alloc(4 * MIB, 'more '));
      setTimeout(() => client.socket.resume(), 300);
    });
    const answer = await client.answer();
    assert.equal(answer?.body.length, 32 * MIB);
    assert.notEqual(await client.closed(), 'reset');
    client.destroy();
    assert.equal((await server.ended).code, 0);
  });

  test(`a refused upload is read and discarded, so that its 503 arrives (${round})`, async () => {
    await using server = await startServer();
    const slow = await RawClient.open(server.port);
    slow.get('/slow?ms=3000');
    await server.printed('working');
    server.signal('SIGTERM');
    await server.printed('state draining');
    const client = await RawClient.open(server.port);
    client.write(`POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${8 * MIB}\r\n\r\n`);
    for (let i = 0; i < 8; i += 1) client.write(Buffer.alloc(MIB));
    const answer = await client.answer();
    assert.equal(answer?.status, 503);
    assert.deepEqual(JSON.parse(answer.body.toString()), { detail: 'Service is shutting down' });
    assert.equal((await slow.answer())?.body.toString(), 'slow');
    client.destroy();
  });

  test(`idle, silent and half-head connections do not hold the exit (${round})`, async () => {
    await using server = await startServer('server.ts', {
      env: { GRACE_MS: '60000', LASTCALL_LINGER_MAX_MS: '1000' },
    });
    const [idle, silent, half] = await Promise.all(
      [0, 1, 2].map(() => RawClient.open(server.port)),
    );
    idle?.get('/');
    await idle?.answer();
    half?.write('GET / HTTP/1.1\r\n');
    server.signal('SIGTERM');
    // Ends long before the deadline, or this test times out.
    assert.equal((await server.ended).code, 0);
    for (const client of [idle, silent, half]) assert.equal(await client?.closed(), 'end');
  });
}
