import type { EventEmitter } from 'node:events';
import { performance } from 'node:perf_hooks';
import { LastcallError } from '../errors.ts';
import { DurationsFile } from '../ledger/durations-file.ts';
import { estimateFinish, type FinishEstimate, remainingMs } from '../ledger/estimate.ts';
import { KillRecord } from '../ledger/kill-record.ts';
import type { Lease } from '../ledger/lease.ts';
import { Ledger, type Refusal, type Work } from '../ledger/ledger.ts';
import type { ResolvedOptions } from '../options.ts';
import { Counters } from '../telemetry/counters.ts';
import { keepFlight } from '../telemetry/flight-book.ts';
import type { FlightRecord } from '../telemetry/flight-record.ts';
import { traceStop } from '../telemetry/opentelemetry.ts';
import type { Drainable } from './drainable.ts';
import { Flight } from './flight.ts';
import { type Hook, Hooks } from './hooks.ts';
import { type House, runStop } from './phases.ts';
import { makeRecord, type StopRecord } from './record.ts';
import { handleSignals, type SignalOptions } from './signals.ts';
import { type LifecycleEvents, type State, StateMachine } from './state.ts';
import { type DrainResult, Stop, type StopRequest } from './stop.ts';

/** The lifecycle of one process: what it is doing, and how it stops. Made by `createLifecycle`. */
export class Lifecycle {
  readonly options: ResolvedOptions;
  readonly ledger = new Ledger();
  readonly counters = new Counters();
  readonly startedMs = performance.now();
  readonly killRecord: KillRecord;
  readonly #durationsFile: DurationsFile;
  readonly #machine = new StateMachine();
  readonly #hooks = new Hooks();
  readonly #servers = new Set<Drainable>();
  readonly #stopped = Promise.withResolvers<StopRecord>();
  #stop: Stop | undefined;
  #flight: Flight | undefined;
  #handlesSignals = false;

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.killRecord = new KillRecord(options.recordDir, options.name);
    this.#durationsFile = new DurationsFile(options.recordDir, options.name, this.ledger);
    this.#machine.events.on('state', ({ to, atMs }) => {
      this.#flight?.enter(to, atMs);
      this.killRecord.write(to, this.ledger.inFlightByKind());
    });
  }

  get state(): State {
    return this.#machine.current;
  }

  /** Raised by each `resume`, so that who waits for an undone drain can be told. */
  get epoch(): number {
    return this.#machine.epoch;
  }

  /**
   * `state`: the state left and the state entered. `stop`: the record of a stop, in the end. `died`:
   * the pid of a sibling worker that was killed or crashed.
   */
  get events(): EventEmitter<LifecycleEvents> {
    return this.#machine.events;
  }

  /** The stop under way; undefined while there is none. */
  get currentStop(): Stop | undefined {
    return this.#stop;
  }

  get inFlight(): number {
    return this.ledger.inFlight;
  }

  /** When the work in flight will have ended, from what such work has taken before; at most 100 ms old. */
  get estimate(): FinishEstimate {
    return estimateFinish(this.ledger);
  }

  /**
   * The time that a piece of work in flight still needs with probability `quantile`, in milliseconds,
   * from what such work has taken before; `null` while that is unknown.
   */
  remainingMs(lease: Lease, quantile = 0.9): number | null {
    return remainingMs(this.ledger, lease, quantile);
  }

  /** Resolves with the account when the process has stopped. */
  get stopped(): Promise<StopRecord> {
    return this.#stopped.promise;
  }

  /** Resolves when `state` is entered; at once when it is the current one. */
  when(state: State): Promise<void> {
    return this.#machine.when(state);
  }

  /** The service can take work. Returns false, and changes nothing, when a stop came first. */
  ready(): boolean {
    if (this.state !== 'starting') return this.state === 'ready';
    this.#machine.move('ready');
    return true;
  }

  /** Admits and registers one piece of work, in one step, or refuses it. */
  admit(work: Work, nowMs: number = performance.now()): Lease | Refusal {
    const state = this.#machine.current;
    if (state === 'ready' || state === 'starting') return this.ledger.open(work, nowMs);
    this.counters.lateArrivals += 1;
    if (state === 'leaving') return this.ledger.open(work, nowMs);
    this.ledger.tally(work.kind).refused += 1;
    return { admitted: false, state, retryAfterMs: this.options.retryAfterMs };
  }

  /**
   * Stops the service; see `StopRequest`. A stop that is under way is joined: its deadline stays.
   * Resolves with the account when everything is closed.
   */
  stop(request: StopRequest): Promise<StopRecord> {
    this.#begin(request);
    return this.stopped;
  }

  /** Refuses new work at once and waits for what runs, without ending the process. */
  drain(request: { reason: string }): Promise<DrainResult> {
    return this.#begin({ ...request, exit: false, leave: false }).drained.promise;
  }

  /** Starts to leave, then drains, without ending the process. */
  initiate(request: { reason: string }): Promise<DrainResult> {
    return this.#begin({ ...request, exit: false }).drained.promise;
  }

  /** Cancels what still runs, now; the process ends within `forceMs`. */
  force(reason: string): Promise<StopRecord> {
    const stop = this.#begin({ reason, leave: false });
    stop.force();
    return this.stopped;
  }

  /**
   * Undoes a stop that has not begun to cancel or close. Returns whether there was one.
   * Throws `ERR_LASTCALL_STATE` when it is too late.
   */
  resume(): boolean {
    const stop = this.#stop;
    if (!stop) return false;
    if ((this.state !== 'leaving' && this.state !== 'draining') || stop.forced)
      throw new LastcallError(
        'ERR_LASTCALL_STATE',
        `The stop can no longer be undone: the lifecycle is ${this.state}. Start a new process instead.`,
        { state: this.state },
      );
    this.#stop = undefined;
    this.#machine.epoch += 1;
    this.#machine.move(stop.readyBefore ? 'ready' : 'starting');
    stop.undo();
    this.#keep(this.#flight?.record('undone'));
    this.#flight = undefined;
    for (const server of this.#servers) server.resume();
    void this.#hooks.runTogether('resume', undefined);
    return true;
  }

  /** Adapters register their server here; one that comes during a stop is told of it at once. */
  attach(server: Drainable): void {
    this.#servers.add(server);
    const stop = this.#stop;
    if (!stop?.told) return;
    void server.leave(stop);
    if (this.state !== 'leaving') server.drain(stop);
  }

  /** Runs when work is refused from now on: stop fetching jobs. */
  onDrain(name: string, hook: Hook): void {
    this.#hooks.add('drain', name, hook);
  }

  /** Runs when a drain was undone: fetch jobs again. */
  onResume(name: string, hook: Hook): void {
    this.#hooks.add('resume', name, hook);
  }

  /** Runs after the last work has ended and before anything closes: save state, caches, warm-up. */
  onCheckpoint(name: string, hook: Hook): void {
    this.#hooks.add('checkpoint', name, hook);
  }

  /** Runs after the servers have closed, in reverse order of registration: close pools, sockets. */
  onClose(name: string, hook: Hook): void {
    this.#hooks.add('close', name, hook);
  }

  /** Runs after everything has closed: flush logs, metrics, traces. */
  onFlush(name: string, hook: Hook): void {
    this.#hooks.add('flush', name, hook);
  }

  /** Takes SIGTERM, SIGINT, SIGQUIT and fatal errors, and ends the process. Called twice it does nothing more. */
  handleSignals(options: SignalOptions = {}): void {
    if (this.#handlesSignals) return;
    this.#handlesSignals = true;
    handleSignals(this, options);
  }

  #begin(request: StopRequest): Stop {
    const under = this.#stop;
    if (under) {
      if (request.exit !== false) under.requestExit(request.fatal);
      if (request.leave === false) under.skipLeave();
      return under;
    }
    const stop = new Stop(request, this.options, {
      ready: this.state === 'ready',
      inFlight: this.inFlight,
    });
    this.#stop = stop;
    this.#flight = new Flight(stop, this.ledger, this.counters, this.options.name);
    void stop.drained.promise.then(({ status }) =>
      this.counters.drained(status, stop.durationSeconds),
    );
    void this.#run(stop);
    return stop;
  }

  async #run(stop: Stop): Promise<void> {
    const flight = this.#flight;
    const house: House = {
      ledger: this.ledger,
      machine: this.#machine,
      hooks: this.#hooks,
      options: this.options,
      servers: this.#servers,
      trace: async () => {
        if (flight) await traceStop(flight.record('stopped', this.#account(stop)));
      },
    };
    try {
      await runStop(house, stop);
    } catch (error) {
      // A server adapter that throws must not keep the process from ending.
      this.#hooks.failures.push({ phase: 'close', name: 'server', error });
      stop.drained.resolve({ status: 'timeout', cancelled: this.inFlight });
      this.ledger.writeOff();
    }
    if (stop.undone) return;
    const account = this.#account(stop);
    const record = flight?.record('stopped', account);
    this.#durationsFile.end();
    this.#keep(record);
    this.killRecord.end();
    this.#stopped.resolve({ ...account, ...(record ? { estimate: record.estimate } : {}) });
  }

  #account(stop: Stop): StopRecord {
    return makeRecord(stop, this.ledger, this.#hooks);
  }

  #keep(record: FlightRecord | undefined): void {
    if (!record) return;
    const { recordDir } = this.options;
    try {
      if (recordDir !== undefined) keepFlight(recordDir, record);
    } catch (error) {
      process.emitWarning(
        `The record of this stop cannot be kept in ${recordDir}: ${(error as Error).message}. Check recordDir.`,
        'LastcallWarning',
      );
    }
    this.#machine.events.emit('stop', record);
  }
}
