import { endRollout, workerServes } from './core/change.ts';
import { decide, TICK_MS } from './core/decide.ts';
import { type Action, newNode, type NodeState, type Policy } from './core/model.ts';
import type { Config } from './config/load.ts';
import { Fleet } from './fleet.ts';
import { Generations, type ReloadResult, workerCount } from './generations.ts';
import type { LogSink } from './log/sink.ts';
import { Loop } from './loop.ts';
import { NodeDoors, type NodePeer } from './node/doors.ts';
import { ownMetrics } from './node/own-metrics.ts';
import type { Launch } from './process/launch.ts';
import type { Listeners } from './sockets/listeners.ts';
import { StopBook } from './stops.ts';

export interface SupervisorOptions {
  config: Config;
  /** Reads the configuration again, for a reload. Throws what is wrong with it. */
  readConfig: () => Config;
  log: LogSink;
  /** Sockets held already: inherited at an upgrade or from systemd. */
  listeners: Listeners;
  /** What an older supervisor has left to this one. */
  inherited?: { generation: number; nextWorkerId: number; workers: number };
}

/** How long the output of workers that have ended is waited for. */
const LAST_WORDS_MS = 1_000;

/** Holds the sockets and the workers of one node. Everything that happens goes through its one loop. */
export class Supervisor {
  readonly node: NodeState;
  readonly fleet: Fleet;
  readonly doors: NodeDoors;
  readonly listeners: Listeners;
  readonly log: LogSink;
  readonly stopBook: StopBook;
  readonly startedMs = performance.now();
  /** The other supervisor of this node, while one replaces the other. */
  peer: NodePeer | undefined;
  /** The other one serves the node, and goes on when this one ends. */
  onTrial = false;
  /** The last attempt to replace the supervisor itself. */
  lastUpgrade: { ok: boolean; message: string } | undefined;
  readonly #loop: Loop;
  readonly #generations: Generations;
  readonly #ready = Promise.withResolvers<void>();
  readonly #stopping = Promise.withResolvers<void>();
  readonly #proved = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<{ code: number; reason: string }>();
  #finished = false;
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: SupervisorOptions) {
    this.log = options.log;
    this.listeners = options.listeners;
    this.stopBook = new StopBook(options.config, (line) => this.say(line));
    const { inherited } = options;
    this.node = newNode(inherited?.workers ?? workerCount(options.config));
    if (inherited) {
      this.node.generation = inherited.generation;
      this.node.nextGeneration = inherited.generation + 1;
      this.node.nextWorkerId = inherited.nextWorkerId;
    }
    this.#generations = new Generations({
      node: this.node,
      config: options.config,
      readConfig: options.readConfig,
      listeners: options.listeners,
      say: (line) => this.say(line),
    });
    this.#loop = new Loop(() => this.#turn());
    this.fleet = new Fleet({
      node: this.node,
      policy: () => this.#policy(),
      log: options.log,
      say: (line) => this.say(line),
      post: (happening) => this.post(happening),
      flight: (worker, record) => this.stopBook.add(worker, record),
      ended: (worker, process, ending) => {
        this.stopBook.ended(worker, process, ending);
        this.doors.ended(worker);
      },
      ask: (process, { id, what, detail }) => {
        this.doors.answer(what, detail).then(
          (value) => process.answer({ type: 'answer', id, value }),
          (error: Error) => process.answer({ type: 'answer', id, error: error.message }),
        );
      },
    });
    this.doors = new NodeDoors({
      node: this.node,
      startedMs: this.startedMs,
      fleet: this.fleet,
      ownMetrics: () => ownMetrics(this.node, this.fleet, this.#generations.results),
      peer: () => this.peer,
      foreign: () => this.config.command !== undefined,
      wake: () => this.wake(),
    });
  }

  /** Resolves when as many workers as wanted are ready for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when as many workers as wanted have proved themselves for the first time. */
  get proved(): Promise<void> {
    return this.#proved.promise;
  }

  /** Resolves when a stop has begun. */
  get stopping(): Promise<void> {
    return this.#stopping.promise;
  }

  /** Resolves when the last worker has gone, with the exit code. */
  get done(): Promise<{ code: number; reason: string }> {
    return this.#done.promise;
  }

  get config(): Config {
    return this.#generations.current.config;
  }

  /** Binds the sockets and starts the workers. Throws when a socket cannot be bound. */
  start(): void {
    this.#generations.open();
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
    const siblings = this.lastUpgrade?.ok === true;
    this.node.stopping = { mode, reason, exitCode: exitCode || (under?.exitCode ?? 0), siblings };
    this.say(`${mode === 'quick' ? 'stops at once' : 'stops'}: ${reason}`);
    // The other supervisor has the sockets as well; their names are then its own.
    this.listeners.closeAll(!siblings && !this.onTrial);
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
  reload(reason: string): Promise<ReloadResult> {
    const ended = this.#generations.wait();
    this.#generations.reload(reason);
    return ended;
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
    return this.#generations.current.listeners;
  }

  #policy(): Policy {
    return this.#generations.newest.config;
  }

  #turn(): number {
    for (;;) {
      const { actions, wakeAtMs } = decide(this.node, this.#policy(), performance.now());
      for (const action of actions) this.#perform(action);
      this.#generations.settle();
      this.#noteReady();
      if (this.node.stopping) this.#stopping.resolve();
      if (actions.length === 0 || this.#finished) return this.#finished ? Infinity : wakeAtMs;
    }
  }

  #perform(action: Action): void {
    switch (action.do) {
      case 'spawn':
        this.fleet.spawn(this.#generations.launch(action.generation));
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
        this.fleet.offerAgain();
        break;
      case 'complete':
        endRollout(this.node, true, 'all workers replaced', performance.now());
        this.say(`reload done: generation ${this.node.generation}`);
        break;
      case 'reload':
        this.#generations.reload('the one that waited');
        break;
      case 'halt':
        if (this.node.workers.length === 0) void this.#finish(action.code, action.reason);
        else this.stop('quick', action.reason, action.code);
    }
  }

  #howToRetire(): 'retire' | 'stop' | 'force' {
    const { stopping } = this.node;
    if (stopping?.mode === 'quick') return 'force';
    return stopping && !stopping.siblings ? 'stop' : 'retire';
  }

  #noteReady(): void {
    const { workers, target } = this.node;
    const serving = workers.filter(({ at }) => at.phase === 'serving').length;
    const proving = workers.filter(({ at }) => at.phase === 'proving').length;
    if (serving + proving >= target) this.#ready.resolve();
    if (serving >= target) this.#proved.resolve();
  }

  async #finish(code: number, reason: string): Promise<void> {
    if (this.#finished) return;
    this.#finished = true;
    this.#stopping.resolve();
    this.#loop.end();
    clearInterval(this.#ticker);
    this.#generations.end(reason);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, LAST_WORDS_MS);
    await Promise.race([Promise.all(this.fleet.closing), late.promise]);
    clearTimeout(timer);
    this.#done.resolve({ code, reason });
  }
}
