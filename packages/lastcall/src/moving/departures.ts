import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { supervisedServers } from '../supervised/listen.ts';
import type { Carrier } from './carrier.ts';
import { inodeOf } from './channel.ts';
import { Window } from './window.ts';
import {
  ENVELOPE_VERSION,
  type Envelope,
  type MoveStep,
  type Sender,
  type StayedReport,
  type Stays,
} from './wire.ts';

/** Connections on their way at the same time; each of them is silent for as long as all of them take. */
const WINDOW = 32;
/** How long a client may take to read what was written to it before. */
const SETTLE_MS = 2_000;
/** How long a successor may take to be ready for one stream. */
const ANSWER_MS = 3_000;
/** When a successor that did not answer is asked again; each time twice as long, up to the limit. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 16_000;
/** How many successors are tried when one after another ends. */
const ATTEMPTS = 3;

/** Its connection and its state are as they were: another worker may take it. */
const AGAIN: ReadonlySet<Stays> = new Set(['successor-gone', 'mixed-up']);

type Answer = 'prepared' | Stays;

/** Streams that the application has declared movable, and how they leave this process. */
export class Departures {
  readonly #sender: Sender;
  readonly #tell: (report: StayedReport) => void;
  readonly #carriers = new Set<Carrier>();
  readonly #offers = new Map<number, (answer: Answer) => void>();
  /** Those whose stay has been counted: each is counted once. */
  readonly #counted = new WeakSet<Carrier>();
  /** Those that an attempt is under way for. */
  readonly #moving = new Set<Carrier>();
  readonly #window = new Window(WINDOW);
  /** Why streams stayed, since the last report. */
  #stayed: Partial<Record<Stays, number>> = {};
  #leaving = false;
  /** When a successor answered last. */
  #answeredMs = -1;
  #nextId = 0;
  /** Nobody takes anything any more. */
  #nobody: Stays | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS;
  /** Work that has left, by kind. */
  readonly out: Record<string, number> = {};

  constructor(sender: Sender, tell: (report: StayedReport) => void) {
    this.#sender = sender;
    this.#tell = tell;
  }

  /** A stream that can be moved. One that is declared while this worker retires goes at once. */
  add(carrier: Carrier): void {
    this.#carriers.add(carrier);
    if (this.#leaving) void this.#move(carrier).then(() => this.#report());
  }

  /** The stream has ended. */
  delete(carrier: Carrier): void {
    this.#carriers.delete(carrier);
  }

  /**
   * Accepts no more, and moves what can be moved; resolves when each has gone or stays. Called again
   * when there is a new successor, it tries again with what has stayed.
   */
  async leave(): Promise<void> {
    this.#leaving = true;
    clearTimeout(this.#retry);
    const wasSilent = this.#nobody === 'no-answer';
    this.#nobody = process.connected ? undefined : 'no-successor';
    // The siblings have the same queue; http.Server's own close would also cut idle connections.
    for (const server of supervisedServers())
      if (server.listening) NetServer.prototype.close.call(server);
    // One stream finds out for all whether it answers by now: each that is offered is held up.
    const [first] = this.#carriers;
    if (wasSilent && first) await this.#move(first);
    await Promise.all([...this.#carriers].map((carrier) => this.#move(carrier)));
    this.#report();
    this.#tryAgain();
  }

  /** A new successor is announced; one that was only slow says nothing. */
  #tryAgain(): void {
    clearTimeout(this.#retry);
    if (this.#nobody !== 'no-answer' || this.#carriers.size === 0 || !process.connected) return;
    this.#retry = setTimeout(() => void this.leave(), this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
  }

  /** The successor's answer to an offer. */
  take(step: MoveStep): void {
    this.#answeredMs = performance.now();
    const answered = this.#offers.get(step.id);
    this.#offers.delete(step.id);
    if (step.step === 'prepared') answered?.('prepared');
    else if (step.step === 'refused') answered?.(step.reason);
  }

  /** There is no supervisor any more that would pass an answer on: everything stays. */
  alone(): void {
    this.#nobody = 'no-successor';
    clearTimeout(this.#retry);
    for (const answered of this.#offers.values()) answered('no-successor');
    this.#offers.clear();
  }

  async #move(carrier: Carrier): Promise<void> {
    if (this.#moving.has(carrier)) return;
    this.#moving.add(carrier);
    let stays = await this.#attempt(carrier);
    for (let again = 1; again < ATTEMPTS && stays && AGAIN.has(stays); again += 1)
      stays = await this.#attempt(carrier);
    this.#moving.delete(carrier);
    if (stays === undefined) this.#carriers.delete(carrier);
    else if (!carrier.ended && !this.#counted.has(carrier)) {
      this.#counted.add(carrier);
      this.#stayed[stays] = (this.#stayed[stays] ?? 0) + 1;
    }
  }

  /** Waits for the boundary and for its turn, and offers the stream. Returns why it stays. */
  async #attempt(carrier: Carrier): Promise<Stays | undefined> {
    let waitedMs = 0;
    for (;;) {
      if (!this.#obstacle(carrier) && !carrier.settled) {
        waitedMs += await settle(carrier, SETTLE_MS - waitedMs);
        if (waitedMs >= SETTLE_MS && !carrier.settled) return carrier.unsettledBy;
        continue;
      }
      await this.#window.enter();
      try {
        const obstacle = this.#obstacle(carrier);
        if (obstacle) return obstacle;
        if (carrier.settled) return await this.#offer(carrier);
      } finally {
        this.#window.leave();
      }
    }
  }

  #obstacle(carrier: Carrier): Stays | undefined {
    return carrier.ended ? 'undone' : (carrier.obstacle() ?? this.#nobody);
  }

  /** Called at the boundary, in the same turn. Returns why the stream stays. */
  async #offer(carrier: Carrier): Promise<Stays | undefined> {
    const answer = Promise.withResolvers<Answer>();
    const { envelope, handle } = carrier.freeze(() => answer.resolve('undone'));
    // After it: what the application may write now is kept back as well.
    const state = freezeState(carrier);
    if ('stays' in state) {
      carrier.back();
      return state.stays;
    }
    const id = ++this.#nextId;
    const offeredMs = performance.now();
    // One that answers others has lost this one.
    const unanswered = (): Stays => (this.#answeredMs > offeredMs ? 'mixed-up' : 'no-answer');
    const timer = setTimeout(() => answer.resolve(unanswered()), ANSWER_MS);
    this.#offers.set(id, answer.resolve);
    const { lease, declared } = carrier;
    const whole: Envelope = {
      ...envelope,
      version: ENVELOPE_VERSION,
      inode: inodeOf(handle),
      kind: declared.kind,
      stateVersion: declared.version,
      state: state.json,
      lease: lease
        ? {
            kind: lease.kind,
            label: lease.label ?? null,
            ageMs: performance.now() - lease.startedMs,
          }
        : null,
    };
    this.#sender.step({ step: 'offer', id, envelope: whole });
    this.#sender.connection(id, handle);
    let result = await answer.promise;
    clearTimeout(timer);
    this.#offers.delete(id);
    if (carrier.endedMeanwhile || lease?.cancelReason) result = 'undone';
    if (result === 'prepared') this.#letGo(carrier, id);
    else {
      this.#sender.step({ step: 'back', id });
      carrier.back();
      // Each further stream would only be held up for as long.
      if (result === 'no-answer' || result === 'no-successor') this.#nobody = result;
    }
    return result === 'prepared' ? undefined : result;
  }

  /** The one step that changes who writes: from here on this process never does. */
  #letGo(carrier: Carrier, id: number): void {
    const { lease } = carrier;
    if (lease) this.out[lease.kind] = (this.out[lease.kind] ?? 0) + 1;
    this.#sender.step({ step: 'go', id });
    lease?.end('moved');
    carrier.left();
  }

  #report(): void {
    if (Object.keys(this.#stayed).length === 0) return;
    this.#tell({ type: 'stayed', reasons: this.#stayed });
    this.#stayed = {};
  }
}

/** Waits until what was written has left this process, for `ms` at the most. Returns how long. */
async function settle(carrier: Carrier, ms: number): Promise<number> {
  const startMs = performance.now();
  const pause = new AbortController();
  const { signal } = pause;
  const tooLate = sleep(ms, undefined, { signal }).catch(() => undefined);
  await Promise.race([carrier.flushed(), tooLate]);
  pause.abort();
  // Work outside of this thread (compression) needs turns of the event loop to end.
  await new Promise((resolve) => setImmediate(resolve));
  return performance.now() - startMs;
}

function freezeState({ declared }: Carrier): { json: string } | { stays: Stays } {
  try {
    const json = JSON.stringify(declared.freeze()) ?? 'null';
    return Buffer.byteLength(json) > declared.maxStateBytes ? { stays: 'state-size' } : { json };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(`A ${declared.kind} stream stays: ${why}`, 'LastcallWarning');
    return { stays: 'state' };
  }
}
