import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Shown the first bytes of a connection, which name the application: false cuts it, a promise holds it. */
export type Pass = (first: string) => boolean | Promise<boolean>;

/** A way to a PostgreSQL on which the test decides about each connection. */
export async function startProxy(databaseUrl: string, pass: Pass) {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const pairs = new Map<Socket, Socket>();
  let lost: { statement: string; cut: () => void } | undefined;
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
    pairs.set(client, database);
    client.on('close', () => {
      pairs.delete(client);
      database.destroy();
    });
    database.write(first);
    client.on('data', (chunk) => {
      if (!lost || !chunk.includes(lost.statement)) return;
      const { cut } = lost;
      lost = undefined;
      // The answer comes, and goes no further.
      database.unpipe(client);
      database.once('data', () => {
        client.destroy();
        cut();
      });
      database.resume();
    });
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
    /** Cuts the connection that names this statement next, when its answer has come and before it is given. */
    loseAnswer(statement: string): Promise<void> {
      return new Promise((cut) => {
        lost = { statement, cut };
      });
    },
    /** The connections that are open now carry nothing from now on, and do not end. */
    freeze(): void {
      for (const socket of [...pairs].flat()) socket.unpipe().pause();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
