import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { lacksPort } from '../supervised/listen.ts';
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
 *
 * In a worker of `lastcall serve` whose supervisor does not hold that port, the workers could not all
 * listen there: this one then takes a free port on 127.0.0.1, and a warning says so.
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
  const address = lacksPort(port) ? { port: 0, host: '127.0.0.1' } : { port, host };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
  if (address.port !== port)
    process.emitWarning(
      `The admin listener of this worker is on port ${(server.address() as AddressInfo).port} and not on ${port}, which is no port of its supervisor. The node's own: lastcall serve --admin ${host}:${port}`,
      'LastcallWarning',
    );
  return server;
}
