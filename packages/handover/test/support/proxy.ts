import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Shown the first bytes of a connection, which name the application: false cuts it, a promise holds it. */
export type Pass = (first: string) => boolean | Promise<boolean>;

/** A way to a PostgreSQL on which the test decides about each connection. */
export async function startProxy(databaseUrl: string, pass: Pass) {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined).on('close', () => sockets.delete(client));
    client.once('data', (first) => {
      client.pause();
      void Promise.resolve(pass(first.toString('latin1'))).then((passes) => {
        if (passes) join(client, first);
        else client.destroy();
      });
    });
  }).listen(0, '127.0.0.1');
  const join = (client: Socket, first: Buffer): void => {
    const database = connect(Number(port), hostname);
    database.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => database.destroy());
    database.write(first);
    client.pipe(database).pipe(client);
  };
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    /** Cuts every connection that is open now. */
    cut(): void {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
