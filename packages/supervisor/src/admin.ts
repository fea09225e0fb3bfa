import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createLifecycle } from 'lastcall';
import { Access, Endpoints, fromWire, type NodeControl } from 'lastcall/supervised';
import type { Config } from './config/load.ts';
import { SupervisorError } from './errors.ts';
import { type MakePage, NodeView, type Page } from './node/view.ts';
import { parseAddress, showAddress } from './sockets/address.ts';
import type { Supervisor } from './supervisor.ts';

/** The supervisor's own listener: the contract's endpoints for the whole node, to the very end. */
export class AdminServer {
  readonly #server: Server;
  readonly #endpoints: Endpoints;
  readonly #page: Page | undefined;

  constructor(supervisor: Supervisor, config: Config, makePage?: MakePage) {
    const lifecycle = createLifecycle({ name: 'supervisor', operatorToken: config.operatorToken });
    void supervisor.ready.then(() => lifecycle.ready());
    this.#endpoints = new Endpoints(lifecycle, true, controlOf(supervisor));
    this.#page = makePage?.(new NodeView(supervisor, new Access(lifecycle.options)));
    this.#server = createServer((request, response) => {
      // Nothing that goes wrong with one answer may end the supervisor.
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** Throws when the address cannot be bound. Resolves with the address in use. */
  async listen(text: string): Promise<string> {
    const address = parseAddress(text);
    const failed = new Promise<never>((_, reject) => this.#server.once('error', reject));
    const listening = new Promise<void>((resolve) => {
      this.#server.listen(address, resolve);
    });
    try {
      await Promise.race([listening, failed]);
    } catch (error) {
      throw new SupervisorError(
        'ERR_SUPERVISOR_ADDRESS',
        `admin: cannot listen on ${text}: ${(error as Error).message}. Give it another address (--admin, LASTCALL_ADMIN), or stop what listens there.`,
        { cause: error },
      );
    }
    const bound = this.#server.address();
    return bound === null || typeof bound === 'string'
      ? text
      : showAddress({ host: bound.address, port: bound.port });
  }

  close(): void {
    this.#page?.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = this.#endpoints.match(request.url);
    if (!route) {
      if (!this.#page?.handle(request, response)) response.writeHead(404).end();
      return;
    }
    const { method = 'GET', headers, socket } = request;
    const answer = await this.#endpoints.answer(route, {
      method,
      headers,
      remoteAddress: socket.remoteAddress,
    });
    const { body } = answer;
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      ...answer.headers,
    });
    response.end(
      method === 'HEAD' ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    );
  }
}

/** The node's questions, answered here without a worker in between. */
function controlOf({ doors }: Supervisor): NodeControl {
  return {
    status: async () => fromWire(await doors.status()),
    begin: async (how, reason) => fromWire(await doors.begin(how, reason)),
    wait: (reason) => doors.wait(reason),
    reset: () => doors.resume(),
    metrics: () => doors.metrics(),
  };
}
