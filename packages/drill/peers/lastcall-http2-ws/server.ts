import http from 'node:http';
import http2 from 'node:http2';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { createLifecycle } from 'lastcall';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHttp, leaseOf } from 'lastcall/http';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHttp2 } from 'lastcall/http2';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachWs } from 'lastcall/ws';
import { WebSocketServer } from 'ws';
import { app } from '../common/app.ts';

const lifecycle = createLifecycle({ leaveMaxMs: 0 });
const server = attachHttp(lifecycle, http.createServer(app({ leaseOf })));
const sockets = new WebSocketServer({ server, path: '/ws' });
const peers = attachWs(lifecycle, sockets, { closeTimeoutMs: 1000 });
sockets.on('connection', (socket) => {
  socket.on('message', (data) => {
    const lease = peers.promise(socket);
    if (!lease.admitted) return;
    const ms = Number((data as Buffer).toString().split(':')[1]);
    setTimeout(() => void peers.deliver(socket, lease, 'done'), ms);
  });
});
const h2 = attachHttp2(lifecycle, http2.createServer(app({ leaseOf }) as never));
lifecycle.handleSignals();
h2.listen(Number(process.env['H2_PORT']), '127.0.0.1', () => {
  server.listen(Number(process.env['PORT']), '127.0.0.1', () => lifecycle.ready());
});
