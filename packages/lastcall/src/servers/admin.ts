import { createServer, type Server } from 'node:http';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { attachHttp } from './http.ts';

export interface AdminAddress {
  /** Default 9090; 0 for any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
}

/**
 * Listens on a port of its own for probes, operator calls and metrics. It closes last, when hooks
 * have run and logs are flushed, so that the end can be watched. Resolves when it listens; rejects
 * when it cannot.
 */
export async function serveAdmin(
  lifecycle: Lifecycle,
  { port = 9_090, host = '127.0.0.1' }: AdminAddress = {},
): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"detail":"Not found"}');
  });
  attachHttp(lifecycle, server, { admin: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}
