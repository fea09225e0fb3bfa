// The process that is drained: WebSockets and event streams on one HTTP port, nothing owed.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { attachSse } from 'lastcall/sse';
import { attachWs } from 'lastcall/ws';
import { WebSocketServer } from 'ws';

const lifecycle = createLifecycle({ graceMs: 60_000 });
const sse = attachSse(lifecycle);
const server = attachHttp(
  lifecycle,
  http.createServer((request, response) => void sse.open(request, response, { feed: true })),
);
const wss = new WebSocketServer({ server, perMessageDeflate: false });
const ws = attachWs(lifecycle, wss, {
  tell: (socket, { reconnectAfterMs }) => socket.send(JSON.stringify({ reconnectAfterMs })),
});

const report = (name: string): void => {
  const { user, system } = process.cpuUsage();
  const { rss } = process.memoryUsage();
  const counts = { ws: ws.counts, sse: sse.counts };
  process.send?.({ name, atMs: performance.now(), cpuMs: (user + system) / 1_000, rss, counts });
};
lifecycle.events.on('state', ({ to }) => report(to));
process.on('message', () => report('opened'));
lifecycle.handleSignals();
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  lifecycle.ready();
  process.send?.({ name: 'listening', port: (server.address() as AddressInfo).port });
});
