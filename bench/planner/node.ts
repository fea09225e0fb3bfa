// One node of the comparison: answers after the time that the request names.
import http from 'node:http';
import { createLifecycle } from 'lastcall';
import { attachHttp, leaseOf } from 'lastcall/http';

const [grace, leave] = [Number(process.env.GRACE_MS), Number(process.env.LEAVE_MS)];
const lifecycle = createLifecycle({
  graceMs: grace,
  forceMs: 500,
  leaveMinMs: leave,
  leaveMaxMs: leave,
  lingerMaxMs: 50,
});
const server = attachHttp(
  lifecycle,
  http.createServer((request, response) => {
    const timer = setTimeout(() => response.end('done'), Number(request.url?.slice(1)));
    leaseOf(request)?.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      response.end('cut');
    });
  }),
);
lifecycle.handleSignals({ log: () => undefined });
server.listen(0, '127.0.0.1', () => {
  lifecycle.ready();
  process.send?.({ port: (server.address() as { port: number }).port });
});
lifecycle.events.on('stop', (record) => process.send?.({ record }));
