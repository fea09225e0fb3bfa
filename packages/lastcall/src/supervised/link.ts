import { checkSelf } from './check.ts';
import { figuresOf } from './figures.ts';
import type { SupervisedLifecycle } from './lifecycle.ts';
import { supervisedServers } from './listen.ts';
import { localOps, type NodeDoor, setNode } from './node.ts';
import {
  type Answer,
  type Ask,
  type Figures,
  type FromWorker,
  type NodeWait,
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
export function superviseWorker(lifecycle: SupervisedLifecycle): void {
  if (linked || process.env.LASTCALL_WORKER === undefined || !process.send) return;
  linked = true;
  // What the application starts itself is no worker of this supervisor.
  delete process.env.LASTCALL_WORKER;
  new WorkerLink(lifecycle).start();
}

class WorkerLink {
  readonly #lifecycle: SupervisedLifecycle;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 0;
  #sentAtMs = 0;
  #sent = '';
  #drainingSinceMs: number | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(lifecycle: SupervisedLifecycle) {
    this.#lifecycle = lifecycle;
  }

  start(): void {
    process.on('message', (raw) => {
      const message = unframe(raw) as ToWorker | undefined;
      if (message) this.#take(message);
    });
    // A node without its manager cannot be reloaded or drained: it finishes its work and goes.
    process.once('disconnect', () => {
      clearInterval(this.#timer);
      if (this.#lifecycle.state !== 'stopped') this.#stop('supervisor_lost', {});
    });
    this.#lifecycle.events.on('state', () => this.#onState());
    setNode(this.#lifecycle, this.#door());
    this.#send({ type: 'hello', pid: process.pid, node: process.version });
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
    this.#onState();
  }

  #onState(): void {
    const { state } = this.#lifecycle;
    if (state === 'starting') return;
    if (state === 'ready') {
      this.#drainingSinceMs = null;
      this.#send({ type: 'ready' });
    } else {
      this.#drainingSinceMs ??= performance.now();
      this.#send({ type: 'stopping', reason: state });
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
    if (!always && print === this.#sent) return;
    const changed = print !== this.#sent;
    const beatDue = performance.now() - this.#sentAtMs >= BEAT_MS;
    this.#sent = print;
    this.#sentAtMs = performance.now();
    this.#send({ type: 'figures', figures });
    const text = changed && (beatDue || always) ? localOps(this.#lifecycle)?.metrics() : undefined;
    if (text !== undefined) this.#send({ type: 'metrics', text });
  }

  #figures(): Figures {
    return figuresOf(this.#lifecycle, this.#drainingSinceMs);
  }

  #take(message: ToWorker): void {
    if (message.type === 'retire') this.#stop(message.reason, { siblings: true, leave: false });
    else if (message.type === 'stop')
      this.#stop(message.reason, message.force ? { force: true } : {});
    else if (message.type === 'ask') void this.#answer(message);
    else this.#settle(message);
  }

  #stop(reason: string, options: { siblings?: boolean; leave?: boolean; force?: boolean }): void {
    // A stop that fails says so by the exit code; there is nobody else to tell.
    this.#lifecycle.stop({ reason, exit: true, ...options }).catch((error: unknown) => {
      console.error(error);
    });
  }

  async #answer(ask: Ask): Promise<void> {
    try {
      const value = await this.#doLocally(ask);
      this.#send({ type: 'answer', id: ask.id, value });
    } catch (error) {
      this.#send({ type: 'answer', id: ask.id, error: String(error) });
    }
  }

  async #doLocally(ask: Ask): Promise<unknown> {
    const lifecycle = this.#lifecycle;
    switch (ask.what) {
      case 'figures':
        return this.#figures();
      case 'drain':
        if (lifecycle.state === 'ready') lifecycle.drain({ reason: ask.detail });
        return this.#figures();
      case 'resume':
        if (lifecycle.state === 'ready') return 'was_ready';
        return lifecycle.resume() ? 'resumed' : 'too_late';
      case 'wait':
        return localOps(lifecycle)?.wait(ask.detail) ?? this.#waitIdle(ask.detail);
      case 'metrics':
        return localOps(lifecycle)?.metrics() ?? '';
      case 'check': {
        const [server] = supervisedServers();
        return server ? checkSelf(server, ask.detail) : { status: 0 };
      }
      default:
        throw new Error(`an unknown question: ${String(ask.what)}`);
    }
  }

  /** The wait of a worker that serves no endpoints. */
  async #waitIdle(reason: string): Promise<NodeWait> {
    const startedMs = performance.now();
    if (this.#lifecycle.state === 'ready') this.#lifecycle.drain({ reason });
    await this.#lifecycle.ledger.idle();
    const waitedMs = performance.now() - startedMs;
    return { timedOut: false, undone: false, cancelled: 0, activeStreams: 0, waitedMs };
  }

  #door(): NodeDoor {
    return {
      figures: () => this.#ask('figures'),
      drain: (reason) => this.#ask('drain', reason),
      resume: () => this.#ask('resume'),
      wait: (reason) => this.#ask('wait', reason),
      metrics: () => this.#ask('metrics'),
    };
  }

  async #ask<Q extends Question>(what: Q, detail = ''): Promise<Questions[Q]['node']> {
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
    // Nobody listens any more when this fails: `disconnect` follows and stops the worker.
    if (process.connected)
      process.send?.({ ...message, lastcall: PROTOCOL }, undefined, {}, () => undefined);
  }
}
