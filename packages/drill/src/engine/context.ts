// What a case works with: the server's description, a way to start it, connections, and checks.
import type net from 'node:net';
import { CaseFailure, NotApplicable } from '../case.ts';
import type { PortName, RouteName, VariantName } from '../config/needs.ts';
import type { DrillConfig } from '../config/schema.ts';
import { Account, type Exchange } from './account.ts';
import { late, seededRandom, within } from './clock.ts';
import { ConnectError, Connection } from './connection.ts';
import { refuseLosses } from './losses.ts';
import { Stalls } from './stalls.ts';
import { type StartOptions, start } from './start.ts';
import type { Exit, Target } from './target.ts';
import { makeTemp, removeTemp } from './temp.ts';
import { Timeline } from './timeline.ts';

export interface ContextOptions {
  readonly config: DrillConfig;
  readonly seed: number;
  /** Clients of the load cases. */
  readonly clients: number;
}

export interface RouteValues {
  readonly ms?: number;
  readonly bytes?: number;
  readonly id?: string;
}

/** A server may take a client for silent that sends nothing for so long. */
const heldUpMs = 150;

export class Context {
  readonly config: DrillConfig;
  readonly clients: number;
  readonly account = new Account();
  readonly timeline = new Timeline();
  readonly random: () => number;
  /** Figures worth reporting whatever the verdict. */
  readonly notes: string[] = [];
  readonly targets: Target[] = [];
  readonly stalls = new Stalls(heldUpMs);
  /** Why this machine could not make the case's connections; undefined when it could. */
  noRoom: string | undefined;
  readonly #cleanups: (() => void)[] = [];
  readonly #temp = makeTemp();
  #over = false;

  constructor(options: ContextOptions) {
    this.config = options.config;
    this.clients = options.clients;
    this.random = seededRandom(options.seed);
  }

  async start(options: Omit<StartOptions, 'temp'> & { variant?: VariantName } = {}) {
    const { variant, ...rest } = options;
    const env = { ...(variant === undefined ? {} : this.config.variants[variant]), ...rest.env };
    this.#refuseAfterEnd();
    const target = await start(this.config, { ...rest, env, temp: this.#temp }, this.timeline);
    this.targets.push(target);
    if (this.#over) await target.destroy();
    this.#refuseAfterEnd();
    return target;
  }

  /** A case that was given up may go on by itself: what it still begins would outlive it. */
  #refuseAfterEnd(): void {
    if (this.#over) throw new Error('The case is over.');
  }

  /** The server started last. */
  get target(): Target {
    const target = this.targets.at(-1);
    if (target === undefined) throw new Error('The case has not started a server yet.');
    return target;
  }

  port(name: PortName): number {
    return this.target.launch.ports[name] ?? 0;
  }

  /** Where HTTP/2 is attacked, and whether over TLS: in cleartext, if that is offered. */
  get h2(): { port: number; secure: boolean } {
    const secure = this.config.ports.h2 === undefined;
    return { port: this.port(secure ? 'h2s' : 'h2'), secure };
  }

  /** The listeners that answer the operator's calls. */
  get operatorPorts(): PortName[] {
    return this.config.ports.admin === undefined ? ['http'] : ['http', 'admin'];
  }

  async connect(
    options: { port?: PortName; label?: string; host?: string } = {},
  ): Promise<Connection> {
    return this.opened(
      Connection.open(
        {
          host: options.host ?? this.config.host,
          port: this.port(options.port ?? 'http'),
          onSocket: this.#close,
          ...(options.label === undefined ? {} : { label: options.label }),
        },
        this.account,
        this.timeline,
      ),
    );
  }

  /** Notes when it was this machine that had no room for a connection: nothing can be said of the server then. */
  async opened<T>(opening: Promise<T>): Promise<T> {
    try {
      return await opening;
    } catch (error) {
      if (error instanceof ConnectError && error.isOwn) {
        this.noRoom =
          'this machine gives the drill no more connections (fewer --clients, or a higher ' +
          `ulimit -n): ${error.code}`;
      }
      throw error;
    }
  }

  readonly #close = (socket: net.Socket): void => {
    this.cleanup(() => {
      socket.destroy();
    });
  };

  /** `count` connections, in waves that fit into any accept queue. */
  async connectMany(count: number): Promise<Connection[]> {
    const connections: Connection[] = [];
    while (connections.length < count) {
      const wave = Math.min(64, count - connections.length);
      connections.push(...(await Promise.all(Array.from({ length: wave }, () => this.connect()))));
    }
    return connections;
  }

  /** The method and path of a route, its placeholders filled in. */
  route(name: RouteName, values: RouteValues = {}, method = 'GET') {
    const route = this.config.routes[name];
    if (route === undefined) throw new NotApplicable(`routes.${name} is not given`);
    const path = route.path.replaceAll(/\{(ms|bytes|id)\}/g, (whole, key: keyof RouteValues) =>
      String(values[key] ?? whole),
    );
    return { method: route.method || method, path };
  }

  /** One request on a fresh connection, outside the account of promises: a probe's or an operator's. */
  async ask(
    request: { method: string; path: string; headers?: Record<string, string>; body?: string },
    options: { port?: PortName; portNumber?: number; host?: string; ms?: number } = {},
  ): Promise<Exchange> {
    const account = new Account();
    const host = options.host ?? this.config.host;
    const label = `${request.method} ${request.path}`;
    const port = options.portNumber ?? this.port(options.port ?? 'http');
    const ms = options.ms ?? this.patienceMs;
    const connection = await this.opened(
      Connection.open(
        { host, port, label, withinMs: ms, onSocket: this.#close },
        account,
        this.timeline,
      ),
    );
    const exchange = connection.send({
      ...request,
      headers: {
        connection: request.headers?.['upgrade'] === undefined ? 'close' : 'Upgrade',
        ...request.headers,
      },
    });
    const done = await within(exchange.done, ms);
    connection.destroy();
    return done === late ? exchange : done;
  }

  /** The headers of an operator on loopback: a token when one is configured. */
  get operator(): Record<string, string> {
    return this.config.token === undefined ? {} : { authorization: `Bearer ${this.config.token}` };
  }

  /** How long an ordinary piece of work may take in a case: well inside the grace. */
  get workMs(): number {
    return Math.round(this.config.work ?? Math.min(600, this.config.grace * 0.4));
  }

  /** After this much nobody waits for an answer any more. */
  get patienceMs(): number {
    return this.config.leave + this.config.grace + this.config.force + 3000;
  }

  /**
   * Whether a client that last did something at `sinceMs` was held up (by the drill, on a busy machine)
   * for so long that a server that stops may have taken it for silent: it is owed nothing more.
   */
  heldUp(sinceMs: number): boolean {
    return this.#stopMs !== undefined && this.stalls.heldUp(sinceMs);
  }

  /**
   * As `heldUp`, for a client that has waited for the server since `sinceMs`: the server's own time
   * holds up nobody, only a drill that did not run.
   */
  stalled(sinceMs: number): boolean {
    return this.#stopMs !== undefined && this.stalls.since(sinceMs);
  }

  get #stopMs(): number | undefined {
    return this.targets.find((one) => one.signalledMs !== undefined)?.signalledMs;
  }

  /**
   * What a server does without a stop: where it does not, nothing can be said of the stop, so the
   * case does not apply.
   */
  async usually<T>(kept: Promise<T>): Promise<T> {
    try {
      return await kept;
    } catch (error) {
      if (!(error instanceof CaseFailure)) throw error;
      const { expected, actual } = error;
      throw new NotApplicable(`already before the stop: expected ${expected}; got ${actual}`);
    }
  }

  check(kept: boolean, expected: string, actual: string): asserts kept {
    if (!kept) throw new CaseFailure(expected, actual);
  }

  notApplicable(reason: string): never {
    throw new NotApplicable(reason);
  }

  note(text: string): void {
    this.notes.push(text);
  }

  /** Waits for one answer and holds the server to it. */
  async answered(
    exchange: Exchange,
    what = 'an answer (or a refusal with 503)',
  ): Promise<Exchange> {
    const done = await within(exchange.done, this.patienceMs);
    const actual = done === late ? `no answer within ${this.patienceMs} ms` : String(done);
    this.check(
      done !== late && (done.outcome === 'answered' || done.outcome === 'refused'),
      what,
      actual,
    );
    return done;
  }

  /** As `answered`, and the answer must be a success: a refusal is not enough. */
  async succeeded(exchange: Exchange): Promise<Exchange> {
    const done = await this.answered(exchange, 'a whole answer of success (2xx)');
    this.check(
      done.status >= 200 && done.status < 300,
      'a whole answer of success (2xx)',
      String(done),
    );
    return done;
  }

  /** Every promise in the account has been kept; one that was broken before the stop is not the stop's. */
  noLoss(): void {
    refuseLosses(this.account, this.#stopMs ?? 0);
  }

  /** The server's end, within its own limits (or `ms`). */
  async exit(ms = this.config.leave + this.config.grace + this.config.force + 2000): Promise<Exit> {
    const exit = await this.target.ended(ms);
    this.check(exit !== undefined, `an exit within ${ms} ms`, 'the process is still running');
    this.endedOnlyNow();
    return exit;
  }

  /** A server that was gone already cannot be asked how it stops. */
  endedOnlyNow(): void {
    if (this.target.endedBefore) this.notApplicable('it ended by itself before the signal');
  }

  cleanup(undo: () => void): void {
    if (this.#over) undo();
    else this.#cleanups.push(undo);
  }

  /** Ends all that the case began; gives the processes that had outlived their server. */
  async end(): Promise<string[]> {
    this.#over = true;
    this.stalls.stop();
    for (const undo of this.#cleanups.splice(0)) undo();
    const left = await Promise.all(this.targets.map((target) => target.destroy()));
    removeTemp(this.#temp);
    return left.flat();
  }
}
