import http from 'node:http';
import http2 from 'node:http2';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHttp, leaseOf } from 'lastcall/http';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHttp2 } from 'lastcall/http2';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachSse } from 'lastcall/sse';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachWs } from 'lastcall/ws';
import { WebSocketServer } from 'ws';
import { app, type Handler } from '../common/app.ts';
import { host, later, port, prepare } from '../common/lastcall.ts';

const lifecycle = prepare();
const events = attachSse(lifecycle);
const stream: Handler = (request, response, query) => {
  const out = events.open(request, response, { onCancel: () => ({ event: 'expired', data: {} }) });
  const ticks = setInterval(() => void out.send({ data: { text: 'tick' } }), 20);
  const end = setTimeout(
    () => {
      clearInterval(ticks);
      out.end({ event: 'completed', data: {} });
    },
    Number(query.get('ms') ?? 500),
  );
  out.onClose(() => {
    clearInterval(ticks);
    clearTimeout(end);
  });
};
const server = attachHttp(lifecycle, http.createServer(app({ leaseOf, stream })));
const sockets = new WebSocketServer({ server, path: '/ws' });
const peers = attachWs(lifecycle, sockets, { closeTimeoutMs: 1_000 }); // the grace is four seconds
sockets.on('connection', (socket) => {
  socket.on('message', (data) => {
    const lease = peers.promise(socket);
    if (!lease.admitted) {
      socket.send('refused');
      return;
    }
    const ms = Number((data as Buffer).toString().split(':')[1]);
    setTimeout(() => void peers.deliver(socket, lease, 'done'), ms);
  });
});
const h2 = attachHttp2(lifecycle, http2.createServer(app({ leaseOf, stream }) as never));
later(() => {
  h2.listen(Number(process.env['H2_PORT']), host, () => {
    server.listen(port, host, () => lifecycle.ready());
  });
});
