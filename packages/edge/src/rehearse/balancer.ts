import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Pod } from './pod.ts';
import { reset } from './reset.ts';

/** Connections to the pods in service, one after another, as kube-proxy spreads them: it never retries. */
export class Balancer {
  readonly #server: Server;
  readonly #pods = new Set<Pod>();
  readonly #sockets = new Set<Socket>();
  /** The pod that a client's connection went to, by the client's port. */
  readonly #routes = new Map<number, Pod>();
  #turn = 0;

  constructor() {
    this.#server = createServer((client) => this.#route(client));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return (this.#server.address() as { port: number }).port;
  }

  add(pod: Pod): void {
    this.#pods.add(pod);
  }

  /** The endpoint is removed; connections that exist stay. */
  remove(pod: Pod): void {
    this.#pods.delete(pod);
  }

  has(pod: Pod): boolean {
    return this.#pods.has(pod);
  }

  routeOf(clientPort: number): Pod | undefined {
    return this.#routes.get(clientPort);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #route(client: Socket): void {
    const pods = [...this.#pods].filter(({ ready }) => ready);
    this.#turn += 1;
    const pod = pods[this.#turn % Math.max(1, pods.length)];
    client.on('error', () => client.destroy());
    if (!pod) {
      reset(client);
      return;
    }
    this.#routes.set(client.remotePort ?? 0, pod);
    const server = connect(pod.port, '127.0.0.1');
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    // What the pod does to the connection is passed on as it is: an end as an end, a reset as a reset.
    server.once('error', () => reset(client));
    client.once('close', () => server.destroy());
    client.pipe(server).pipe(client);
  }
}
