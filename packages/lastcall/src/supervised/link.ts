import { localNode } from '../endpoints/node.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { Arrivals } from '../moving/arrivals.ts';
import { Departures } from '../moving/departures.ts';
import { departThrough } from '../moving/movable.ts';
import { type Channel, takeConnections, sendOver } from '../moving/channel.ts';
import { Outbox } from '../moving/outbox.ts';
import type { Handle, MoveMessage, MoveStep } from '../moving/wire.ts';
import { checkSelf } from './check.ts';
import { figuresOf, oldestWork } from './figures.ts';
import { supervisedServers } from './listen.ts';
import { ALONE, connectNode } from './node.ts';
import {
  type Answer,
  type Ask,
  type Figures,
  type FromWorker,
  PROTOCOL,
  type Question,
  type Questions,
  type ToWorker,
  unframe,
} from './protocol.ts';

const TICK_MS = 250;
const BEAT_MS = 1_000;

let linked = false;

/**
 * Ties the lifecycle of this process to the supervisor that started it: readiness and counts go up,
 * retire, stop and the node's questions come down. Does nothing when no supervisor started it.
 */
export function superviseWorker(lifecycle: Lifecycle): void {
  if (linked || process.env.LASTCALL_WORKER === undefined || !process.send) return;
  linked = true;
  // What the application starts itself is no worker of this supervisor.
  delete process.env.LASTCALL_WORKER;
  new WorkerLink(lifecycle).start();
}

class WorkerLink {
  readonly #lifecycle: Lifecycle;
  readonly #outbox = new Outbox((message, handle) => this.#write(message, handle));
  readonly #departures = new Departures(this.#outbox, (report) => this.#send(report));
  readonly #arrivals: Arrivals;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 0;
  #sentAtMs = 0;
  #sent = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle;
    this.#arrivals = new Arrivals(lifecycle, this.#outbox);
    departThrough(this.#departures);
  }

  start(): void {
    process.on('message', (raw, handle: unknown) => {
      const message = unframe(raw) as ToWorker | undefined;
      if (message?.type === 'moves') for (const step of message.steps) this.#move(step);
      else if (message?.type === 'connection')
        this.#arrivals.connection(message.id, handle as Handle | undefined);
      else if (message) this.#take(message);
    });
    takeConnections(process as Channel, (raw) => {
      const message = unframe(raw) as ToWorker | undefined;
      if (message?.type === 'connection') this.#arrivals.connection(message.id, undefined);
    });
    if (process.connected) process.once('disconnect', () => this.#alone());
    // It went while the application was loading; that may attach the rest of itself first.
    else process.nextTick(() => this.#alone());
    // Who has been let go of belongs to nobody else until that is said.
    process.once('exit', () => this.#outbox.flush());
    this.#lifecycle.events.on('state', () => this.#onState());
    this.#lifecycle.events.on('stop', (record) => this.#send({ type: 'flight', record }));
    connectNode(this.#lifecycle, (what, detail) => this.#ask(what, detail));
    const { forcedKills } = this.#lifecycle.killRecord;
    this.#send({ type: 'hello', pid: process.pid, node: process.version, forcedKills });
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
    this.#onState();
  }

  /** A node without its manager cannot be reloaded or drained: it finishes its work and goes. */
  #alone(): void {
    clearInterval(this.#timer);
    this.#arrivals.alone();
    this.#departures.alone();
    if (this.#lifecycle.state !== 'stopped')
      void this.#lifecycle.stop({ reason: 'supervisor lost' });
    // After the stop has begun: the answers of this process tell of it.
    for (const asked of this.#asked.values()) asked.reject(ALONE);
    this.#asked.clear();
  }

  #onState(): void {
    const { state, currentStop } = this.#lifecycle;
    if (state === 'starting') return;
    if (state === 'ready') this.#send({ type: 'ready' });
    else {
      const { reason = state, exit = false, fatal } = currentStop ?? {};
      this.#send({ type: 'stopping', reason, exit, fatal: fatal !== undefined });
    }
    this.#push(true);
    if (state !== 'stopped') return;
    clearInterval(this.#timer);
    process.channel?.unref();
  }

  #tick(): void {
    this.#push(performance.now() - this.#sentAtMs >= BEAT_MS);
  }

  /** Sends the figures when they changed, or when `always`: they are the heartbeat as well. */
  #push(always: boolean): void {
    const figures = this.#figures();
    const print = JSON.stringify([figures.state, figures.outcomes, figures.inFlightByKind]);
    const changed = print !== this.#sent;
    if (!always && !changed) return;
    this.#sent = print;
    this.#sentAtMs = performance.now();
    this.#send({ type: 'figures', figures });
    // The totals must outlive the worker; a second of them is what a SIGKILL can cost.
    if (always) this.#send({ type: 'metrics', text: this.#metrics() });
  }

  /** Those of this process alone: what was recorded before it is one number of the node. */
  #metrics(): string {
    return localNode(this.#lifecycle, { forcedKills: 0 }).metrics() as string;
  }

  #move(step: MoveStep): void {
    if (step.step === 'offer') void this.#arrivals.offer(step.id, step.envelope);
    else if (step.step === 'go') this.#arrivals.go(step.id);
    else if (step.step === 'back') this.#arrivals.back(step.id);
    else this.#departures.take(step);
  }

  #take(message: Exclude<ToWorker, MoveMessage>): void {
    if (message.type === 'retire')
      void this.#lifecycle.stop({
        reason: message.reason,
        siblings: true,
        first: () => this.#departures.leave(),
      });
    else if (message.type === 'move-on') void this.#departures.leave();
    else if (message.type === 'stop')
      void (message.force
        ? this.#lifecycle.force(message.reason)
        : this.#lifecycle.stop({ reason: message.reason }));
    else if (message.type === 'died') this.#lifecycle.events.emit('died', message.pid);
    else if (message.type === 'ask') void this.#answer(message);
    else this.#settle(message);
  }

  async #answer(ask: Ask): Promise<void> {
    try {
      const value = await this.#doLocally(ask);
      this.#send({ type: 'answer', id: ask.id, value });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#send({ type: 'answer', id: ask.id, error: message });
    }
  }

  async #doLocally({ what, detail }: Ask): Promise<unknown> {
    const node = localNode(this.#lifecycle);
    if (what === 'metrics') return this.#metrics();
    if (what === 'work') return oldestWork(this.#lifecycle);
    if (what === 'wait') return node.wait(detail);
    if (what === 'reset') return node.reset();
    if (what === 'check') {
      const [server] = supervisedServers();
      return server ? checkSelf(server, detail) : { status: 0 };
    }
    if (what !== 'status') await node.begin(what, detail);
    return this.#figures();
  }

  #figures(): Figures {
    // Copies: a message that waits behind a connection is written out later.
    const moved = { in: { ...this.#arrivals.in }, out: { ...this.#departures.out } };
    return figuresOf(this.#lifecycle, moved);
  }

  async #ask<Q extends Question>(what: Q, detail = ''): Promise<Questions[Q]['node']> {
    if (!process.connected) throw ALONE;
    const id = ++this.#nextId;
    const asked = Promise.withResolvers<unknown>();
    this.#asked.set(id, asked);
    this.#send({ type: 'ask', id, what, detail });
    return (await asked.promise) as Questions[Q]['node'];
  }

  #settle(answer: Answer): void {
    const asked = this.#asked.get(answer.id);
    this.#asked.delete(answer.id);
    if ('error' in answer) asked?.reject(new Error(answer.error));
    else asked?.resolve(answer.value);
  }

  #send(message: FromWorker): void {
    this.#outbox.flush();
    this.#write(message);
  }

  #write(message: FromWorker, handle?: Handle): void {
    // Nobody listens any more when this fails: `disconnect` follows and stops the worker.
    if (process.connected) sendOver(process as Channel, { ...message, lastcall: PROTOCOL }, handle);
  }
}
