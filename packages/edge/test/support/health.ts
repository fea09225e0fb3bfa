import http from 'node:http';
import type { Cluster } from './cluster.ts';

/** Endpoints of readiness that answer what they are told to; the nodes behind the proxy stay as they are. */
export async function healthOf(
  t: { after(end: () => unknown): void },
  cluster: Cluster,
): Promise<boolean[]> {
  const healthy = cluster.nodes.map(() => true);
  const server = http.createServer((request, response) => {
    response.writeHead(healthy[Number(request.url?.split('/')[1])] ? 200 : 503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  cluster.rewrite((inventory) => {
    for (const [i, node] of (inventory.nodes as Record<string, unknown>[]).entries())
      node.url = `http://127.0.0.1:${port}/${i}`;
  });
  return healthy;
}
