import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a PostgreSQL on which the test sees what is asked, and may cut the connection instead. */
export interface PgProxy {
  readonly url: string;
  /** Shown each piece that a client sends: false cuts its connection before the server has it. */
  passes: (asked: string) => boolean;
  /** New connections wait for it. */
  gate: Promise<unknown>;
  /** Called for each new connection. */
  arrived: () => void;
  /** Connections that are open now. */
  readonly count: number;
  /** Cuts every connection that is open now. */
  cut(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startPgProxy(databaseUrl: string): Promise<PgProxy> {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined).on('close', () => sockets.delete(client));
    proxy.arrived();
    void proxy.gate.then(() => {
      const database = connect(Number(port), hostname);
      database.on('error', () => client.destroy()).on('close', () => client.destroy());
      client.on('close', () => database.destroy());
      database.pipe(client);
      client.on('data', (piece) => {
        if (proxy.passes(piece.toString('latin1'))) database.write(piece);
        else client.destroy();
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy: PgProxy = {
    url: url.href,
    passes: () => true,
    gate: Promise.resolve(),
    arrived: () => undefined,
    get count() {
      return sockets.size;
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      proxy.cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
