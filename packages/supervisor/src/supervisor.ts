import { availableParallelism } from 'node:os';
import { beginRollout, endRollout, workerServes } from './core/change.ts';
import { decide, TICK_MS } from './core/decide.ts';
import {
  type Action,
  isLive,
  newNode,
  type NodeState,
  type Policy,
  type RolloutResult,
} from './core/model.ts';
import type { Config } from './config/load.ts';
import { Fleet } from './fleet.ts';
import type { LogSink } from './log/sink.ts';
import { Loop } from './loop.ts';
import { NodeDoors, type Predecessor } from './node/doors.ts';
import { ownMetrics } from './node/own-metrics.ts';
import type { Launch } from './process/launch.ts';
import { type Listeners, wantedAddresses } from './sockets/listeners.ts';

export interface SupervisorOptions {
  config: Config;
  /** Reads the configuration again, for a reload. Throws what is wrong with it. */
  readConfig: () => Config;
  log: LogSink;
  /** Sockets held already: inherited at an upgrade or from systemd. */
  listeners: Listeners;
  predecessor?: Predecessor;
}

/** How long the output of workers that have ended is waited for. */
const LAST_WORDS_MS = 1_000;

export const workerCount = ({ workers }: Config): number =>
  workers === 'auto' ? availableParallelism() : workers;

/** Holds the sockets and the workers of one node. Everything that happens goes through its one loop. */
export class Supervisor {
  readonly node: NodeState;
  readonly fleet: Fleet;
  readonly doors: NodeDoors;
  readonly listeners: Listeners;
  readonly log: LogSink;
  readonly startedMs = performance.now();
  predecessor: Predecessor | undefined;
  /** The last attempt to replace the supervisor itself. */
  lastUpgrade: { ok: boolean; message: string } | undefined;
  readonly #options: SupervisorOptions;
  readonly #loop: Loop;
  readonly #launches = new Map<number, Launch>();
  readonly #reloads: Record<string, number> = {};
  readonly #ready = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<{ code: number; reason: string }>();
  /** Who waits for a reload that has not begun, and who for the one under way. */
  #reloadWaiters: PromiseWithResolvers<{ ok: boolean; message: string }>[] = [];
  #reloadServed: PromiseWithResolvers<{ ok: boolean; message: string }>[] = [];
  #settled: RolloutResult | undefined;
  #finished = false;
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.log = options.log;
    this.listeners = options.listeners;
    this.predecessor = options.predecessor;
    this.node = newNode(workerCount(options.config));
    this.#loop = new Loop(() => this.#turn());
    this.fleet = new Fleet({
      node: this.node,
      policy: () => this.#policy(),
      log: options.log,
      say: (line) => this.say(line),
      post: (happening) => this.post(happening),
      ask: (process, { id, what, detail }) => {
        this.doors.answer(what, detail).then(
          (value) => process.answer({ type: 'answer', id, value }),
          (error: Error) => process.answer({ type: 'answer', id, error: error.message }),
        );
      },
    });
    this.doors = new NodeDoors({
      node: this.node,
      fleet: this.fleet,
      ownMetrics: () => ownMetrics(this.node, this.fleet, this.#reloads),
      predecessor: () => this.predecessor,
      wake: () => this.wake(),
    });
  }

  /** Resolves when as many workers as wanted are ready for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when the last worker has gone, with the exit code. */
  get done(): Promise<{ code: number; reason: string }> {
    return this.#done.promise;
  }

  get config(): Config {
    return this.#current().config;
  }

  /** Binds the sockets and starts the workers. Throws when a socket cannot be bound. */
  start(): void {
    const { config } = this.#options;
    const listeners = this.listeners.open(wantedAddresses(config, process.env));
    this.#launches.set(this.node.generation, {
      generation: this.node.generation,
      config,
      listeners,
    });
    this.#ticker = setInterval(() => this.post(() => this.fleet.tick()), TICK_MS);
    this.wake();
  }

  say(line: string): void {
    this.log.write(`[supervisor] ${line}\n`);
  }

  post(happening: () => void): void {
    this.#loop.post(happening);
  }

  wake(): void {
    this.post(() => undefined);
  }

  /** Stops the node; a graceful stop can still become a quick one. */
  stop(mode: 'graceful' | 'quick', reason: string, exitCode = 0): void {
    const under = this.node.stopping;
    if (under?.mode === 'quick' || (under && mode === 'graceful')) return;
    this.node.stopping = { mode, reason, exitCode: under?.exitCode ?? exitCode };
    this.say(`${mode === 'quick' ? 'stops at once' : 'stops'}: ${reason}`);
    // A successor has the sockets as well; their names are then its own.
    this.listeners.closeAll(this.lastUpgrade?.ok !== true);
    if (mode === 'quick')
      for (const worker of this.node.workers) this.fleet.retire(worker, reason, 'force');
  }

  /** Gives up at once: kills what still runs. */
  abandon(reason: string): void {
    for (const worker of this.node.workers) this.fleet.kill(worker, reason);
    void this.#finish(4, reason);
  }

  reopenLogs(): void {
    try {
      this.log.reopen();
      this.say('log reopened');
    } catch (error) {
      this.say(`log not reopened, the old file goes on: ${(error as Error).message}`);
    }
  }

  /** Replaces all workers by new ones; resolves when that has succeeded or has been taken back. */
  reload(reason: string): Promise<{ ok: boolean; message: string }> {
    const waiter = Promise.withResolvers<{ ok: boolean; message: string }>();
    this.#reloadWaiters.push(waiter);
    this.#beginReload(reason);
    return waiter.promise;
  }

  /** One worker more or fewer, or a number of workers. */
  scale(count: number): void {
    this.node.target = Math.max(1, count);
    this.node.paused = false;
    this.say(`workers wanted: ${this.node.target}`);
  }

  /** Drains all workers and keeps the sockets; connections wait in the queue for the next worker. */
  pause(): void {
    this.node.paused = true;
    this.say('paused: workers drain, the sockets are kept');
  }

  /** Listeners of the newest generation, which a probe or a message can name. */
  addresses(): Launch['listeners'] {
    return this.#current().listeners;
  }

  #current(): Launch {
    return this.#launches.get(this.node.generation)!;
  }

  #policy(): Policy {
    return this.#launches.get(this.node.rollout?.generation ?? this.node.generation)!.config;
  }

  #beginReload(reason: string): void {
    if (this.node.stopping) return;
    const generation = beginRollout(this.node, performance.now());
    if (generation === undefined) {
      this.say(
        `reload (${reason}) waits for ${this.node.draining ? 'resume' : 'the one under way'}`,
      );
      return;
    }
    this.#reloadServed.push(...this.#reloadWaiters.splice(0));
    try {
      const config = this.#options.readConfig();
      const listeners = this.listeners.open(wantedAddresses(config, process.env));
      this.#launches.set(generation, { generation, config, listeners });
      if (config.workers !== this.config.workers) this.node.target = workerCount(config);
      this.say(`reload (${reason}): generation ${generation}`);
    } catch (error) {
      endRollout(this.node, false, (error as Error).message, performance.now());
      this.say(`reload failed, the old workers stay: ${(error as Error).message}`);
    }
  }

  #turn(): number {
    for (;;) {
      const { actions, wakeAtMs } = decide(this.node, this.#policy(), performance.now());
      for (const action of actions) this.#perform(action);
      this.#settleReload();
      this.#noteReady();
      if (actions.length === 0 || this.#finished) return this.#finished ? Infinity : wakeAtMs;
    }
  }

  #perform(action: Action): void {
    switch (action.do) {
      case 'spawn':
        this.fleet.spawn(this.#launches.get(action.generation)!);
        break;
      case 'retire':
        this.fleet.retire(action.worker, action.reason, this.#howToRetire());
        break;
      case 'kill':
        this.fleet.kill(action.worker, action.reason);
        break;
      case 'diagnose':
        this.fleet.hang(action.worker);
        break;
      case 'serve':
        workerServes(action.worker, performance.now());
        break;
      case 'complete':
        endRollout(this.node, true, 'all workers replaced', performance.now());
        this.say(`reload done: generation ${this.node.generation}`);
        break;
      case 'reload':
        this.#beginReload('the one that waited');
        break;
      case 'halt':
        if (this.node.workers.length === 0) void this.#finish(action.code, action.reason);
        else this.stop('quick', action.reason, action.code);
    }
  }

  #howToRetire(): 'retire' | 'stop' | 'force' {
    const { stopping } = this.node;
    if (!stopping) return 'retire';
    return stopping.mode === 'quick' ? 'force' : 'stop';
  }

  /** Tells who waits for a reload that it has ended, and drops what only its workers needed. */
  #settleReload(): void {
    const result = this.node.lastReload;
    if (result === undefined || result === this.#settled) return;
    this.#settled = result;
    const label = result.ok ? 'done' : 'discarded';
    this.#reloads[label] = (this.#reloads[label] ?? 0) + 1;
    for (const waiter of this.#reloadServed.splice(0)) waiter.resolve(result);
    const used = new Set(this.node.workers.map(({ generation }) => generation));
    for (const generation of this.#launches.keys())
      if (generation !== this.node.generation && !used.has(generation))
        this.#launches.delete(generation);
    // Workers that still drain have copies of their own; only the newest generation needs these.
    const live = new Set(this.node.workers.filter(isLive).map(({ generation }) => generation));
    const needed = [...this.#launches.values()].filter(
      ({ generation }) => generation === this.node.generation || live.has(generation),
    );
    this.listeners.keepOnly(new Set(needed.flatMap(({ listeners }) => listeners)));
  }

  #noteReady(): void {
    const up = this.node.workers.filter(
      ({ at }) => at.phase === 'proving' || at.phase === 'serving',
    );
    if (up.length >= this.node.target) this.#ready.resolve();
  }

  async #finish(code: number, reason: string): Promise<void> {
    if (this.#finished) return;
    this.#finished = true;
    this.#loop.end();
    clearInterval(this.#ticker);
    for (const waiter of [...this.#reloadServed, ...this.#reloadWaiters])
      waiter.resolve({ ok: false, message: reason });
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, LAST_WORDS_MS);
    await Promise.race([Promise.all(this.fleet.closing), late.promise]);
    clearTimeout(timer);
    this.#done.resolve({ code, reason });
  }
}
