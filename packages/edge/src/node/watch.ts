import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { EdgeError } from '../errors.ts';
import { isChanged } from '../proxy/driver.ts';
import type { Desk } from './desk.ts';
import { isReady } from './health.ts';
import { Hysteresis } from './hysteresis.ts';
import { readMarks, writeMarks } from './marks.ts';

/** Watches the nodes of one upstream: a failing one is marked down, a recovered one up again. */
export class Watch {
  readonly #desk: Desk;
  readonly #say: (line: string) => void;
  readonly #health: Map<string, Hysteresis>;
  readonly #marks = { down: 0, up: 0, held: 0, errors: 0 };
  /** Servers that the watch itself marked down: it puts back no others. */
  readonly #marked: Set<string>;
  /** Those of them that a watch before this one marked: it may have died before the proxy had it. */
  readonly #unsure: Set<string>;
  /** Servers that were recorded in the round before. */
  readonly #recorded = new Set<string>();
  /** What was said last of a server's failure: it is said once, not in every round. */
  readonly #told = new Map<string, string>();

  constructor(desk: Desk, say: (line: string) => void) {
    this.#desk = desk;
    this.#say = say;
    const { watch, nodes, stateDir } = desk.inventory;
    this.#health = new Map(nodes.map(({ server }) => [server, new Hysteresis(watch)]));
    this.#marked = new Set(readMarks(stateDir));
    this.#unsure = new Set(this.#marked);
    // It failed when it was marked: it has to recover first.
    for (const [server, health] of this.#health) health.healthy = !this.#marked.has(server);
  }

  /** Goes on until `signal` aborts. Failures of the proxy are told and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.round();
      await sleep(this.#desk.inventory.watch.every, undefined, { signal }).catch(() => {});
    }
  }

  /** Asks every node once and acts on what came out. */
  async round(): Promise<void> {
    const { inventory } = this.#desk;
    await Promise.all(
      inventory.nodes.map(async (node) =>
        this.#health.get(node.server)!.note(await isReady(inventory, node)),
      ),
    );
    for (const { server } of inventory.nodes)
      try {
        await this.#act(server);
        this.#told.delete(server);
      } catch (error) {
        this.#failed(server, error);
      }
  }

  async #act(server: string): Promise<void> {
    const { journal, proxy } = this.#desk;
    // A node that is recorded is being drained on purpose.
    if (journal.read(server)) {
      this.#recorded.add(server);
      return;
    }
    const state = (await proxy.servers()).find((found) => found.server === server);
    if (!state) throw new EdgeError('ERR_EDGE_SERVER', `${proxy.name} has no server ${server}`);
    if (this.#recorded.delete(server)) {
      // Its stop was no failure: what it answered meanwhile does not count.
      this.#renew(server);
      // One that was marked down before and is out still has to recover first.
      this.#health.get(server)!.healthy = !(state.takenOut && this.#marked.has(server));
    }
    if (!state.takenOut) {
      // Somebody else put it back, or the watch before this one died at it.
      if (this.#unsure.delete(server)) this.#renew(server);
      this.#remember(server, false);
    } else if (this.#unsure.delete(server))
      await this.#unlessRecorded(server, () => proxy.takeOut(server));
    const health = this.#health.get(server)!;
    if (!health.healthy && !state.takenOut) {
      // Written down first: a server that nobody remembers would stay down for ever.
      this.#remember(server, true);
      try {
        await this.#desk.takeOut(server);
      } catch (error) {
        if (!isChanged(error)) this.#remember(server, false);
        throw error;
      }
      this.#count(server, true);
    } else if (health.healthy && state.takenOut && this.#marked.has(server)) {
      if (!(await this.#unlessRecorded(server, () => proxy.putBack(server)))) return;
      this.#remember(server, false);
      this.#count(server, false);
    }
  }

  /** A drain may have taken the node over since it was looked at; under the lock none can begin. */
  #unlessRecorded(server: string, act: () => Promise<void>): Promise<boolean> {
    const { journal } = this.#desk;
    return journal.locked(async () => {
      if (journal.read(server)) return false;
      await act();
      return true;
    });
  }

  #renew(server: string): void {
    this.#health.set(server, new Hysteresis(this.#desk.inventory.watch));
  }

  #remember(server: string, down: boolean): void {
    if (down === this.#marked.has(server)) return;
    if (down) this.#marked.add(server);
    else this.#marked.delete(server);
    writeMarks(this.#desk.inventory.stateDir, this.#marked);
  }

  #count(server: string, down: boolean): void {
    this.#marks[down ? 'down' : 'up'] += 1;
    this.#say(
      `${server} marked ${down ? 'down: it fails its health check' : 'up: it has recovered'}`,
    );
  }

  #failed(server: string, error: unknown): void {
    const held = error instanceof EdgeError && error.code === 'ERR_EDGE_LAST';
    this.#marks[held ? 'held' : 'errors'] += 1;
    const message = error instanceof Error ? error.message : String(error);
    if (this.#told.get(server) !== message) this.#say(`${server}: ${message}`);
    this.#told.set(server, message);
  }

  metrics(): string {
    const lines = [
      '# HELP lastcall_edge_node_healthy 1 for a node that passes its health check.',
      '# TYPE lastcall_edge_node_healthy gauge',
    ];
    for (const [server, { healthy }] of this.#health)
      lines.push(`lastcall_edge_node_healthy{server=${JSON.stringify(server)}} ${healthy ? 1 : 0}`);
    lines.push(
      '# HELP lastcall_edge_marks_total What the watch did: nodes marked down and up, nodes held in service because they were the last, errors.',
      '# TYPE lastcall_edge_marks_total counter',
    );
    for (const [what, count] of Object.entries(this.#marks))
      lines.push(`lastcall_edge_marks_total{what="${what}"} ${count}`);
    return `${lines.join('\n')}\n`;
  }

  /** Serves `GET /metrics` on loopback; returns the port. The server ends with the process. */
  async serveMetrics(port: number): Promise<number> {
    const server = createServer((request, response) => {
      const known = request.url === '/metrics';
      response.writeHead(known ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4' });
      response.end(known ? this.metrics() : 'GET /metrics\n');
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    }).catch((error: unknown) => {
      throw new EdgeError(
        'ERR_EDGE_USAGE',
        `--metrics ${port}: ${(error as Error).message}. Name a free port, or 0 for any.`,
        { port },
        { cause: error },
      );
    });
    // A scraper that keeps its connection does not keep the watch.
    server.on('connection', (socket) => socket.unref()).unref();
    return (server.address() as { port: number }).port;
  }
}
