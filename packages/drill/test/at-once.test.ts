// A case that could not ask what its sentence is about says so: it neither passes nor fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCases } from '../src/cases/load.ts';
import { routeNames } from '../src/config/needs.ts';
import type { DrillConfig } from '../src/config/schema.ts';
import { drill } from '../src/engine/drill.ts';
import { judged } from './support/judged.ts';
import { script } from './support/servers.ts';

const all = await loadCases();

/** Answers whatever it is asked at once, over HTTP/1 and HTTP/2, and stops in order. */
const instant = `const http = require('http'), http2 = require('http2');
  const say = (q, s) => q.resume().on('end', () => s.end('hello')).on('error', () => {});
  const server = http.createServer(say);
  server.keepAliveTimeout = 60000;
  const sessions = new Set();
  const listen = (port, then) => http2.createServer(say).on('sessionError', () => {})
    .on('session', (one) => sessions.add(one.on('error', () => {})))
    .listen(port, '127.0.0.1', then);
  listen(process.env.H2_PORT, () => listen(process.env.GRPC_PORT, () =>
    server.listen(process.env.PORT, '127.0.0.1')));
  process.on('SIGHUP', () => {});
  process.on('SIGTERM', () => {
    for (const one of sessions) one.close();
    setTimeout(() => process.exit(0), 500);
    server.close();
  });`;

const everything: DrillConfig = script(instant, {
  ports: { http: 'PORT', h2: 'H2_PORT', grpc: 'GRPC_PORT' },
  routes: Object.fromEntries(routeNames.map((name) => [name, '/'])),
  variants: { slowStart: {}, ignoredAbort: {} },
  logPattern: 'stopped',
  reload: { signal: 'SIGHUP' },
  grpcUnary: '/a.Test/Unary',
  grpcStream: '/a.Test/Stream',
  grpcHealth: true,
  websocketTask: 'task',
  grace: '3s',
  readyWithin: '10s',
});

const lasting = /^(?:slow|stream|hang|large|trailers|websocket|grpc\w+|variant:slowStart)$/;

/** What is about work that lasts across the signal; of many short pieces some always do. */
const needsWork = all.filter(
  ({ needs, load }) => load !== true && needs.some((need) => lasting.test(need)),
);

test('a server that does everything at once is asked nothing about work in flight', async () => {
  const { cases } = await drill({
    config: everything,
    cases: needsWork,
    seed: 1,
    repeat: 1,
    confidence: 0.95,
    concurrency: 4,
    clients: 4,
    strict: true,
    knownFailing: new Set(),
  });
  assert(cases.length >= 60, `only ${cases.length} cases`);
  assert.deepEqual(judged(cases.filter((one) => one.verdict !== 'not applicable')), []);
});
