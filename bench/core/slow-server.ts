import http from 'node:http';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';

const lifecycle = createLifecycle({
  graceMs: Number(process.env.GRACE_MS),
  forceMs: Number(process.env.FORCE_MS),
});
const server = attachHttp(
  lifecycle,
  http.createServer((request, response) => {
    console.log('working');
    if (request.url === '/slow') setTimeout(() => response.end('slow'), 150);
  }),
);
lifecycle.handleSignals({ log: () => undefined });
server.listen(0, '127.0.0.1', () => {
  lifecycle.ready();
  console.log((server.address() as { port: number }).port);
});
