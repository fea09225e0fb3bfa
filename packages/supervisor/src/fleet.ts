import { resolve } from 'node:path';
import type { Ask, Figures, FlightRecord, FromWorker } from 'lastcall/supervised';
import { addWorker, workerFailed, workerReady, workerRetires } from './core/change.ts';
import { isLive, type NodeState, type Policy, type Worker } from './core/model.ts';
import type { LogSink } from './log/sink.ts';
import { Moves } from './moves.ts';
import { noCounts } from './node/counts.ts';
import { WorkAccount } from './node/figures.ts';
import type { Ending } from './node/last-stop.ts';
import { MetricsSum } from './node/metrics.ts';
import { diagnose } from './process/diagnose.ts';
import { codeOfEnding } from './process/ending.ts';
import type { Launch } from './process/launch.ts';
import { probeWorker } from './process/probe.ts';
import { Shares } from './process/shares.ts';
import { WorkerProcess } from './process/worker-process.ts';
import { wornBy } from './wear.ts';

const HANG_KILL_MS = 15_000;
const DEFAULT_GRACE_MS = 30_000;

export interface FleetOptions {
  node: NodeState;
  policy: () => Policy;
  log: LogSink;
  say: (line: string) => void;
  post: (happening: () => void) => void;
  /** A stop of a worker has ended. */
  flight: (worker: Worker, record: FlightRecord) => void;
  ended: (worker: Worker, process: WorkerProcess, ending: Ending) => void;
  /** A worker asks on behalf of the whole node. */
  ask: (process: WorkerProcess, ask: Ask) => void;
}

/** The processes of the workers, and what their messages and exits change in the node's state. */
export class Fleet {
  readonly processes = new Map<Worker, WorkerProcess>();
  readonly moves = new Moves(this.processes);
  readonly metrics = new MetricsSum();
  /** reason -> how many workers were started in place of another. */
  readonly restarts = {
    crash: 0,
    hung: 0,
    maxRequests: 0,
    maxJobs: 0,
    maxMemoryBytes: 0,
    maxAgeMs: 0,
  };
  forcedKills = 0;
  /** Kills that the first worker found recorded: those before this node was started. */
  recordedKills: number | undefined;
  /** What became of the work of workers that have ended. */
  readonly past = new WorkAccount();
  /** Leases held by workers when they were killed, or died by any signal. */
  killedLeases = 0;
  /** What older supervisors of this node have counted. */
  readonly before = noCounts();
  /** The output of workers that have ended, while it is still being read. */
  readonly closing = new Set<Promise<void>>();
  readonly #options: FleetOptions;
  readonly #shares = new Shares();
  readonly #limits = new Map<Worker, number>();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  spawn(launch: Launch): void {
    const { node, log, post } = this.#options;
    const worker = addWorker(node, launch.generation, performance.now());
    this.#limits.set(worker, 1 + Math.random() * launch.config.jitter);
    const process = new WorkerProcess(
      { launch, id: worker.id, name: worker.name, log, shares: this.#shares },
      {
        message: (message) => post(() => this.#onMessage(worker, process, message)),
        moves: (message, handle) => this.moves.take(worker, message, handle),
        silent: () => this.moves.silent(worker),
        exit: (how) => post(() => this.#onExit(worker, process, how)),
      },
    );
    this.processes.set(worker, process);
    this.#say(worker, `started (pid ${process.pid ?? 'none'}, generation ${launch.generation})`);
    if (launch.config.command && process.pid !== undefined) this.#probe(worker, process);
  }

  /** Tells a worker to finish. `how`: beside others, as the node stops, or at once. */
  retire(worker: Worker, reason: string, how: 'retire' | 'stop' | 'force'): void {
    const process = this.processes.get(worker);
    if (!process) return;
    const { config } = process.launch;
    const now = performance.now();
    const graceMs = how === 'force' ? 0 : (config.graceMs ?? DEFAULT_GRACE_MS);
    workerRetires(this.#options.node, worker, reason, now, now + graceMs + config.killMarginMs);
    this.#say(worker, `retires: ${reason}`);
    // A process that has not made itself known cannot be asked.
    if (!worker.beats) process.signal(config.command ? config.stopSignal : 'SIGTERM');
    else if (how === 'retire') this.moves.retire(worker, reason);
    else process.send({ type: 'stop', reason, force: how === 'force' });
  }

  /** A worker has begun to serve: those that retire may give it what nobody could take so far. */
  offerAgain(): void {
    for (const [{ at, beats }, process] of this.processes)
      if (at.phase === 'retiring' && beats) process.send({ type: 'move-on' });
  }

  kill(worker: Worker, reason: string): void {
    const process = this.processes.get(worker);
    if (!process) return;
    if (worker.at.phase === 'retiring') worker.at.killed = true;
    else {
      this.#fail(worker, reason);
      const now = performance.now();
      worker.at = { phase: 'retiring', sinceMs: now, reason, killAtMs: now, killed: true };
    }
    this.#say(worker, `is killed: ${reason}`);
    process.kill();
  }

  /** The worker's event loop hangs: writes down where, cancels its work, and kills it if it must. */
  hang(worker: Worker): void {
    const process = this.processes.get(worker);
    if (!process) return;
    this.restarts.hung += 1;
    this.#fail(worker, 'hangs');
    const sinceMs = performance.now();
    const killAtMs = sinceMs + HANG_KILL_MS;
    const at = { phase: 'retiring' as const, sinceMs, reason: 'hung', killAtMs, killed: false };
    worker.at = at;
    const { config } = process.launch;
    void diagnose(process, worker.name, resolve(config.dir, config.reportDir)).then((found) => {
      this.#say(worker, `hangs: ${found}`);
      process.send({ type: 'stop', reason: 'hung', force: true });
      at.killAtMs = Math.min(at.killAtMs, performance.now() + config.killMarginMs);
      this.#options.post(() => undefined);
    });
  }

  /** One tick has passed: whoever sends heartbeats should have sent one. */
  tick(): void {
    for (const [worker, process] of this.processes) {
      worker.missedTicks += 1;
      if (worker.at.phase === 'proving') this.#check(worker, process);
      if (worker.at.phase === 'serving') this.#wear(worker, process);
    }
  }

  #onMessage(worker: Worker, process: WorkerProcess, message: FromWorker): void {
    worker.missedTicks = 0;
    if (message.type === 'hello') this.#onHello(worker, message);
    else if (message.type === 'ready') this.#onReady(worker, process);
    else if (message.type === 'figures') this.#onFigures(worker, process, message.figures);
    else if (message.type === 'metrics') process.metrics = message.text;
    else if (message.type === 'flight') this.#options.flight(worker, message.record);
    else if (message.type === 'stayed') this.moves.report(message);
    else if (message.type === 'stopping') this.#onStopping(worker, process, message);
    else if (message.type === 'ask') this.#options.ask(process, message);
  }

  #onHello(worker: Worker, { forcedKills }: Extract<FromWorker, { type: 'hello' }>): void {
    worker.beats = true;
    this.recordedKills ??= forcedKills;
  }

  #onReady(worker: Worker, process: WorkerProcess): void {
    if (this.#options.node.draining)
      void process.ask('drain', 'the node drains').catch(() => undefined);
    if (worker.at.phase === 'starting') this.#check(worker, process);
  }

  /** Asks the worker for the check path; a first good answer makes it ready. */
  #check(worker: Worker, process: WorkerProcess): void {
    const { command, check } = process.launch.config;
    if (command) return;
    process.ask('check', check).then(
      ({ status }) =>
        this.#options.post(() =>
          this.#checked(worker, status < 400, `answered GET ${check} with ${status}`),
        ),
      (error: Error) =>
        this.#options.post(() =>
          this.#checked(worker, false, `did not answer GET ${check}: ${error.message}`),
        ),
    );
  }

  #probe(worker: Worker, process: WorkerProcess): void {
    const running = (): boolean => worker.at.phase === 'starting';
    void probeWorker(process, running).then((result) =>
      this.#options.post(() => this.#checked(worker, result.ok, result.why)),
    );
  }

  #checked(worker: Worker, ok: boolean, why: string): void {
    const { phase } = worker.at;
    if (phase !== 'starting' && phase !== 'proving') return;
    if (!ok) {
      // It may hold requests that it took while proving itself: it finishes them.
      this.#fail(worker, why);
      this.retire(worker, why, 'retire');
      return;
    }
    if (phase === 'proving') return;
    workerReady(this.#options.node, worker, performance.now());
    this.#say(worker, 'is ready');
  }

  #onFigures(worker: Worker, process: WorkerProcess, figures: Figures): void {
    process.figures = figures;
    if (figures.state !== 'ready' && figures.state !== 'leaving') delete worker.movesUntilMs;
    // The worker's own deadline decides when it is late.
    if (worker.at.phase === 'retiring' && figures.deadlineInMs !== null)
      worker.at.killAtMs =
        performance.now() + figures.deadlineInMs + process.launch.config.killMarginMs;
  }

  #onStopping(
    worker: Worker,
    process: WorkerProcess,
    { reason, exit, fatal }: Extract<FromWorker, { type: 'stopping' }>,
  ): void {
    if (!exit || !isLive(worker) || this.#options.node.stopping) return;
    this.#say(worker, `stops by itself: ${reason}`);
    const wished = reason.startsWith('SIG') || (fatal === false && worker.at.phase === 'serving');
    // A signal from outside is somebody's wish, the end of a worker that has served its own.
    if (!wished || worker.at.phase === 'starting')
      this.#fail(worker, `stopped by itself: ${reason}`);
    const now = performance.now();
    const killAtMs = now + DEFAULT_GRACE_MS + process.launch.config.killMarginMs;
    workerRetires(this.#options.node, worker, reason, now, killAtMs);
  }

  #onExit(
    worker: Worker,
    process: WorkerProcess,
    { code, signal, error }: Ending & { error?: string },
  ): void {
    const how = error ?? (signal === null ? `exited with code ${code}` : `was killed by ${signal}`);
    this.#options.ended(worker, process, { code, signal });
    const killedByUs = worker.at.phase === 'retiring' && worker.at.killed;
    const held = process.figures?.inFlight ?? 0;
    if (killedByUs || signal === 'SIGKILL') this.forcedKills += 1;
    if (killedByUs || signal !== null) this.killedLeases += held;
    const { stopping } = this.#options.node;
    // The node's own exit code is the worst of its workers'.
    if (stopping) stopping.exitCode ||= codeOfEnding({ code, signal }, process, killedByUs);
    const lost = signal !== null && held > 0 ? `, holding ${held} leases` : '';
    this.#say(worker, `${how}${lost}`);
    if (signal !== null || code !== 0) this.#tellSiblings(process);
    if (isLive(worker)) {
      const words = process.lastWords.join(' | ');
      this.#fail(worker, words === '' ? how : `${how}: ${words}`);
    }
    worker.at = { phase: 'gone', atMs: performance.now(), why: how };
    if (process.figures) this.past.add(process.figures);
    this.metrics.retain(process.metrics);
    this.closing.add(process.closed);
    void process.closed.then(() => this.closing.delete(process.closed));
    this.moves.gone(worker);
    this.#shares.clear(worker.id);
    this.processes.delete(worker);
    this.#limits.delete(worker);
    const { node } = this.#options;
    node.workers = node.workers.filter((other) => other !== worker);
  }

  /** What a dead worker held goes on at once elsewhere, without waiting for its lease to run out. */
  #tellSiblings({ pid }: WorkerProcess): void {
    if (pid === undefined) return;
    for (const [worker, process] of this.processes)
      if (worker.beats && process.pid !== pid) process.send({ type: 'died', pid });
  }

  #fail(worker: Worker, why: string): void {
    const { node, policy } = this.#options;
    const kind = workerFailed(node, policy(), worker, why, performance.now());
    if (kind === 'crash' && why !== 'hangs') this.restarts.crash += 1;
    if (kind === 'discarded')
      this.#options.say(`reload failed, the old workers stay: ${worker.name} ${why}`);
    if (kind === 'boot') this.#options.say(`boot failed: ${worker.name} ${why}`);
  }

  /** Marks a worker that has reached one of its limits; it is replaced before it is retired. */
  #wear(worker: Worker, process: WorkerProcess): void {
    const why = wornBy(process, this.#limits.get(worker) ?? 1);
    if (why === undefined || worker.worn !== undefined) return;
    worker.worn = why;
    this.restarts[why] += 1;
    this.#say(worker, `is to be replaced: ${why}`);
    this.#options.post(() => undefined);
  }

  #say(worker: Worker, text: string): void {
    this.#options.say(`${worker.name} ${text}`);
  }
}
