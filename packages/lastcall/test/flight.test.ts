import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { logs } from '@opentelemetry/api-logs';
import { trace } from '@opentelemetry/api';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  BatchLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  InMemorySpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { createLifecycle, type FlightRecord } from 'lastcall';
import { exitLine } from '../src/lifecycle/record.ts';
import { startServer } from './support/process.ts';
import { RawClient } from './support/raw-client.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-flight-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

const stops = (dir: string): FlightRecord[] =>
  readFileSync(join(dir, 'stops.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FlightRecord);

test('each stop of a process is one line, with what was expected and what came', async (t) => {
  const dir = folder(t);
  await using server = await startServer('server.ts', { env: { LASTCALL_RECORD_DIR: dir } });
  const client = await RawClient.open(server.port);
  for (let i = 0; i < 20; i += 1) {
    client.get('/slow?ms=20');
    assert.equal((await client.answer())?.status, 200);
  }
  client.get('/slow?ms=1500');
  await server.printed(/(?:working\n){21}/);
  server.signal('SIGTERM');
  assert.equal((await client.answer())?.status, 200);
  assert.equal((await server.ended).code, 0);
  const [record, more] = stops(dir);
  assert.ok(record && more === undefined);
  assert.deepEqual(
    record.phases.map(({ state }) => state),
    ['leaving', 'draining', 'closing', 'stopped'],
  );
  const { reason, result, exitCode, inFlightAtStart, inFlightByKind, refused } = record;
  assert.deepEqual([reason, result, exitCode], ['SIGTERM', 'stopped', 0]);
  assert.deepEqual([inFlightAtStart, inFlightByKind, refused], [1, { request: 1 }, 0]);
  assert.equal(record.outcomes.completed, 1, 'what ended before the stop is not counted');
  assert.ok(record.phases.every(({ durationMs }) => durationMs >= 0));
  assert.ok(record.estimate.factMs !== null);
});

test('a drain that was undone is recorded as such; the next stop has its own counts', async (t) => {
  const recordDir = folder(t);
  const lifecycle = createLifecycle({ recordDir });
  lifecycle.ready();
  const lease = lifecycle.admit({ kind: 'request' });
  void lifecycle.drain({ reason: 'test' });
  await lifecycle.when('draining');
  assert.equal(lifecycle.admit({ kind: 'request' }).admitted, false);
  lifecycle.resume();
  if (lease.admitted) lease.end();
  await lifecycle.stop({ reason: 'second' });
  const [undone, stopped] = stops(recordDir);
  assert.deepEqual([undone?.result, undone?.exitCode, undone?.refused], ['undone', null, 1]);
  assert.deepEqual([undone?.lateArrivals, undone?.outcomes.completed], [1, 0]);
  assert.deepEqual([stopped?.result, stopped?.reason, stopped?.refused], ['stopped', 'second', 0]);
  assert.equal(stopped?.outcomes.completed, 0);
});

test('the exit line says what was expected of the drain', async () => {
  const lifecycle = createLifecycle();
  lifecycle.ready();
  for (let i = 0; i < 20; i += 1) {
    const lease = lifecycle.admit({ kind: 'request' }, performance.now() - 60_000);
    if (lease.admitted) lease.end();
  }
  const lease = lifecycle.admit({ kind: 'request' });
  void lifecycle.drain({ reason: 'test' });
  await lifecycle.when('draining');
  if (lease.admitted) lease.end();
  const record = await lifecycle.stop({ reason: 'test' });
  assert.ok(record.estimate?.factMs !== null);
  const line = /exit 0; drained in [\d.]+ s \(p90 was [56]\d\.\d\d s\)$/;
  assert.match(exitLine('service', record), line);
});

test('with an OpenTelemetry SDK a stop is a span with its phases, and a log record', async () => {
  const spans = new InMemorySpanExporter();
  const records = new InMemoryLogRecordExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(spans)] });
  const logger = new LoggerProvider({
    processors: [new BatchLogRecordProcessor({ exporter: records })],
  });
  trace.setGlobalTracerProvider(tracer);
  logs.setGlobalLoggerProvider(logger);
  const lifecycle = createLifecycle();
  lifecycle.ready();
  let flushed = 0;
  lifecycle.onFlush('late', () => {
    flushed = spans.getFinishedSpans().length;
  });
  await lifecycle.stop({ reason: 'test' });
  assert.equal(flushed, 0, 'the SDK is flushed after everything else');
  const finished = spans.getFinishedSpans();
  const root = finished.find(({ name }) => name === 'lastcall.stop');
  assert.ok(root);
  assert.equal(root.attributes['lastcall.reason'], 'test');
  const children = finished.filter(
    ({ parentSpanContext }) => parentSpanContext?.spanId === root.spanContext().spanId,
  );
  assert.deepEqual(
    children.map(({ name }) => name),
    ['lastcall.leaving', 'lastcall.draining', 'lastcall.closing'],
  );
  const [entry] = records.getFinishedLogRecords();
  assert.match(JSON.stringify(entry?.body), /service stopped after \d+ ms \(test\)/);
  await Promise.all([tracer.shutdown(), logger.shutdown()]);
  trace.disable();
  logs.disable();
});
