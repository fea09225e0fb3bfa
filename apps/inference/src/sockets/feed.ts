import { setTimeout as sleep } from 'node:timers/promises';
import type { Work } from '@lastcall/handover';
import type { Lease } from 'lastcall';
import type { WsPeers } from 'lastcall/ws';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { LastMoments } from '../http/last-moments.ts';
import type { TaskStore } from '../tasks/store.ts';
import { taskView } from '../tasks/view.ts';
import type { Delta } from '../works/generate.ts';

const retryMs = 250;
/** Acknowledgements that wait, at most. Of a flood the rest is let go of: those results are told again. */
const acksMax = 10_000;
const open = 1;

const message = z.strictObject({ type: z.literal('ack'), id: z.string().max(100) });

export interface FeedParts {
  readonly store: TaskStore;
  readonly peers: WsPeers;
  readonly lastMoments: LastMoments;
}

/** What one socket is told. Each task that it is owed is a promise that keeps it open through a drain. */
export class Feed {
  readonly client: string;
  readonly #socket: WebSocket;
  readonly #parts: FeedParts;
  readonly #following = new Set<string>();
  readonly #acks = new Set<string>();
  #acknowledging = false;
  /** Whole tasks are told one after the other: of all that a client is owed, one is in memory. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(client: string, socket: WebSocket, parts: FeedParts) {
    this.client = client;
    this.#socket = socket;
    this.#parts = parts;
  }

  /** Follows every task whose result the client has not acknowledged. */
  async catchUp(): Promise<void> {
    while (this.#socket.readyState === open)
      try {
        for (const id of await this.#parts.store.owed(this.client)) this.follow(id);
        return;
      } catch {
        await sleep(retryMs, undefined, { ref: false }); // the database is away
      }
  }

  follow(id: string): void {
    if (this.#following.has(id) || this.#socket.readyState !== open) return;
    const lease = this.#parts.peers.promise(this.#socket, { kind: 'delivery' });
    // While this worker drains, the client is promised nothing new: it gets it where it connects next.
    if (!lease.admitted) return;
    this.#following.add(id);
    void this.#deliver(id, lease).finally(() => this.#following.delete(id));
  }

  /** `{"type":"ack","id":ID}`: the client has this result, and is not told again. */
  heard(text: string): void {
    try {
      const { id } = message.parse(JSON.parse(text));
      if (this.#acks.size < acksMax) this.#acks.add(id);
      if (!this.#acknowledging) void this.#acknowledge();
    } catch {
      void this.#say({ type: 'error', message: 'expected {"type":"ack","id":"..."}' });
    }
  }

  /** All that came meanwhile at once, so that one client does not take the connections of all. */
  async #acknowledge(): Promise<void> {
    this.#acknowledging = true;
    while (this.#acks.size > 0) {
      const ids = [...this.#acks];
      this.#acks.clear();
      // A lost acknowledgement only means that the result is told again.
      await this.#parts.store.acknowledge(this.client, ids).catch(() => undefined);
    }
    this.#acknowledging = false;
  }

  async #deliver(id: string, lease: Lease): Promise<void> {
    const signal = AbortSignal.any([lease.signal, this.#parts.lastMoments.signal]);
    // The task goes on, and its result is told where the client connects next.
    const handOver = (): void => void lease.end('handed_over');
    signal.addEventListener('abort', handOver, { once: true });
    while (!signal.aborted)
      try {
        await this.#watch(id, lease, signal);
        break;
      } catch {
        await sleep(retryMs, undefined, { ref: false }); // the database is away
      }
    signal.removeEventListener('abort', handOver);
    handOver();
  }

  /** Tells state and progress until the task has ended, and then its result. */
  async #watch(id: string, lease: Lease, signal: AbortSignal): Promise<void> {
    let task = await this.#inTurn(() => this.#tell(id, lease, signal, true));
    while (task && !signal.aborted) {
      for await (const { type, data } of await this.#parts.store.handover.read(id, {
        after: task.lastSeq,
        signal,
      })) {
        if (type === 'running') await this.#say({ type: 'running', id });
        else {
          const { text, tokens } = data as Delta;
          await this.#say({ type: 'progress', id, output_tokens: tokens, delta: text });
        }
      }
      task = await this.#inTurn(() => this.#tell(id, lease, signal, false));
    }
  }

  /** Tells a task as it is. Resolves to it when there is more to come. */
  async #tell(
    id: string,
    lease: Lease,
    signal: AbortSignal,
    isNew: boolean,
  ): Promise<Work | undefined> {
    const task = signal.aborted ? undefined : await this.#parts.store.get(id);
    if (!task) return undefined;
    if (!task.endedAt) {
      if (isNew) await this.#say({ type: 'task', task: taskView(task) });
      return task;
    }
    const result = JSON.stringify({ type: 'result', task: taskView(task) });
    await this.#parts.peers.deliver(this.#socket, lease, result);
    return undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Resolves when the connection has taken it: for a client that does not read, nothing more is fetched. */
  #say(value: object): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.readyState === open)
        this.#socket.send(JSON.stringify(value), () => resolve());
      else resolve();
    });
  }
}
