import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a PostgreSQL that looks at the first bytes of each connection and cuts those that `pass` does not let through. */
export async function startProxy(databaseUrl: string, pass: (first: string) => boolean) {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined).on('close', () => sockets.delete(client));
    client.once('data', (first) => {
      if (!pass(first.toString('latin1'))) {
        client.destroy();
        return;
      }
      const database = connect(Number(port), hostname);
      database.on('error', () => client.destroy()).on('close', () => client.destroy());
      client.on('close', () => database.destroy());
      database.write(first);
      client.pipe(database).pipe(client);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
