// One bare node:http server, with or without something that is to stop it. Usage: server.ts VARIANT
import http, { type Server } from 'node:http';
import { createRequire } from 'node:module';

type Attach = (server: Server) => unknown;

const load = createRequire(`${process.env.PEERS ?? '.'}/package.json`);
const variants: Record<string, () => Attach | Promise<Attach>> = {
  bare: () => () => undefined,
  async lastcall() {
    const { createLifecycle } = await import('lastcall');
    const { attachHttp } = await import('lastcall/http');
    const lifecycle = createLifecycle();
    lifecycle.handleSignals();
    return (server) => {
      attachHttp(lifecycle, server);
      server.once('listening', () => lifecycle.ready());
    };
  },
  'http-terminator': () => {
    const { createHttpTerminator } = load('http-terminator');
    return (server) => createHttpTerminator({ server });
  },
  stoppable: () => {
    const stoppable = load('stoppable');
    return (server) => stoppable(server, 5_000);
  },
  '@godaddy/terminus': () => {
    const { createTerminus } = load('@godaddy/terminus');
    return (server) =>
      createTerminus(server, { signal: 'SIGTERM', healthChecks: { '/health': async () => ({}) } });
  },
  'http-graceful-shutdown': () => {
    const gracefulShutdown = load('http-graceful-shutdown');
    return (server) => gracefulShutdown(server, { timeout: 5_000 });
  },
};

const variant = variants[process.argv[2] ?? 'bare'];
if (!variant) throw new Error(`no variant ${process.argv[2]}`);
const server = http.createServer((_request, response) => response.end('hello'));
const attach = await variant();
attach(server);
server.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port));
