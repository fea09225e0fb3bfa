import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Exchange } from '../src/engine/account.ts';
import { ResponseParser } from '../src/engine/parser.ts';
import { Timeline } from '../src/engine/timeline.ts';

function answers(bytes: string, methods: string[] = ['GET'], eof = false): Exchange[] {
  const timeline = new Timeline();
  const lane = timeline.lane('test');
  const exchanges = methods.map((method) => new Exchange(method, '/', lane, timeline));
  const parser = new ResponseParser([...exchanges]);
  // Byte by byte: no boundary of a read may matter.
  for (const byte of Buffer.from(bytes, 'latin1')) parser.feed(Buffer.from([byte]));
  if (eof) parser.eof();
  return exchanges;
}

test('a whole answer with a length', () => {
  const [one] = answers('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
  assert.deepEqual([one?.outcome, one?.status, one?.text], ['answered', 200, 'hello']);
});

test('a cut answer is not answered', () => {
  const [short] = answers('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell', ['GET'], true);
  assert.equal(short?.outcome, 'pending');
  const [chunked] = answers(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n',
    ['GET'],
    true,
  );
  assert.equal(chunked?.outcome, 'pending');
});

test('a length that is none is a loss; the same one twice is one', () => {
  for (const bad of ['abc', '-5', '5, 6', '']) {
    const [one] = answers(`HTTP/1.1 200 OK\r\nContent-Length: ${bad}\r\n\r\nhello`, ['GET'], true);
    assert.equal(one?.outcome, 'lost', bad);
  }
  const [one] = answers('HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello');
  assert.equal(one?.outcome, 'answered');
});

test('chunks and trailers', () => {
  const [one] = answers(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
  );
  assert.deepEqual([one?.outcome, one?.trailers.get('x-sum')], ['answered', '1']);
});

test('100 Continue is not the answer; 503 is a refusal; HEAD has no body', () => {
  const [first, second] = answers(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    ['POST', 'HEAD'],
  );
  assert.deepEqual(first?.informational, [100]);
  assert.deepEqual([first?.outcome, second?.outcome], ['refused', 'answered']);
});

test('an answer without a length ends with the connection', () => {
  const head = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello';
  assert.equal(answers(head)[0]?.outcome, 'pending');
  assert.equal(answers(head, ['GET'], true)[0]?.outcome, 'answered');
});

test('what is no HTTP is a loss', () => {
  assert.equal(answers('SSH-2.0-OpenSSH\r\n\r\n')[0]?.outcome, 'lost');
});
