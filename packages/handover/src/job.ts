import { HandoverError } from './errors.ts';
import type { Event } from './tail.ts';
import type { End, Hold, Writer } from './writer.ts';

export interface JobLimits {
  checkpointMaxBytes: number;
  eventMaxBytes: number;
}

/** What the claim of a work returns. */
export interface Claimed {
  num: string;
  id: string;
  kind: string;
  fence: string;
  input: unknown;
  checkpoint: unknown;
  checkpoint_seq: string;
  last_seq: string;
  attempts: number;
  losses: number;
  cancel_reason: string | null;
}

/** One run of one work by its owner: what a handler reads and writes through. */
export class Job<Input = unknown, State = unknown> {
  readonly id: string;
  readonly kind: string;
  readonly input: Input;
  /** The state that the last `save` or `passOn` left, by whichever worker; `undefined` at first. */
  readonly checkpoint: State | undefined;
  /** Events that were written after the checkpoint, by a worker that died: they stand. */
  readonly tail: readonly Event[];
  /** Runs that failed before this one. */
  readonly attempts: number;
  /** Workers that died with this work. */
  readonly losses: number;
  /** Aborts when the run must end now: cancelled, owned by another, the deadline. Its reason is coded. */
  readonly signal: AbortSignal;
  /** Aborts when the run should be passed on at its next safe point: `return job.passOn(state)`. */
  readonly leaving: AbortSignal;
  readonly hold: Hold;
  readonly #stop = new AbortController();
  readonly #leave = new AbortController();
  readonly #writer: Writer;
  readonly #limits: JobLimits;
  #seq: number;
  #end: End | undefined;
  #answered = false;

  constructor(
    claimed: Claimed,
    tail: readonly Event[],
    parts: { writer: Writer; limits: JobLimits; deterministic: boolean },
  ) {
    this.id = claimed.id;
    this.kind = claimed.kind;
    this.input = claimed.input as Input;
    this.checkpoint = (claimed.checkpoint ?? undefined) as State | undefined;
    this.tail = tail;
    this.attempts = claimed.attempts;
    this.losses = claimed.losses;
    this.hold = {
      num: claimed.num,
      id: claimed.id,
      fence: claimed.fence,
      written: Number(claimed.last_seq),
    };
    this.#writer = parts.writer;
    this.#limits = parts.limits;
    this.#seq = parts.deterministic ? Number(claimed.checkpoint_seq) : Number(claimed.last_seq);
    this.signal = this.#stop.signal;
    this.leaving = this.#leave.signal;
  }

  /** The number of the last event of this run, or of the run before. */
  get seq(): number {
    // What the database has refused was never written, and its numbers are free again.
    return Math.min(this.#seq, this.hold.written);
  }

  /** The run is behind what an earlier one has written: with `deterministic`, what it emits now is not new. */
  get repeating(): boolean {
    return this.seq < this.hold.written;
  }

  /** How this run ended in the database; undefined while it runs. */
  get end(): End | undefined {
    return this.#end;
  }

  /**
   * Adds the next event. Its number is known at once; the promise resolves with it when the event
   * is durable, and only then do readers get it. Waiting for each is not needed: order is kept.
   */
  emit(type: string, data?: unknown): Promise<number> {
    const seq = this.seq + 1;
    const text = JSON.stringify([type, data ?? null]);
    const refusal = this.#refusal() ?? this.#tooLarge('event', text, this.#limits.eventMaxBytes);
    if (refusal) return quiet(Promise.reject(refusal));
    if (seq <= this.hold.written) return this.#repeat(seq, text);
    this.#seq = seq;
    return this.#track(this.#writer.write(this.hold, { event: text }).then(() => seq));
  }

  /** Saves a state that covers every event emitted so far; with them in one commit. */
  save(state: State): Promise<void> {
    const text = JSON.stringify(state);
    const refusal =
      this.#refusal() ?? this.#tooLarge('checkpoint', text, this.#limits.checkpointMaxBytes);
    if (refusal) return quiet(Promise.reject(refusal));
    // A repeating run is behind what is written: its state would be put on a later event.
    if (this.repeating) return Promise.resolve();
    return this.#track(this.#writer.write(this.hold, { checkpoint: text }));
  }

  /**
   * Leaves an effect that must happen once, in the same commit as the events around it. `key` names
   * it within the work: a later run that leaves it again changes nothing.
   */
  effect(key: string, kind: string, payload: unknown): Promise<void> {
    const text = JSON.stringify(payload) ?? 'null';
    const refusal = this.#refusal();
    if (refusal) return quiet(Promise.reject(refusal));
    return this.#track(this.#writer.write(this.hold, { effect: { key, kind, payload: text } }));
  }

  /** Ends this run so that another worker goes on from `state`. No attempt is charged. */
  async passOn(state: State): Promise<void> {
    if (this.repeating) return this.finish({ state: 'waiting' });
    const saved = this.save(state);
    const ended = this.finish({ state: 'waiting', reserved: this.#answered });
    await saved;
    return ended;
  }

  /** For the worker: the last write of this run. */
  finish(end: End): Promise<void> {
    const refusal = this.#refusal();
    if (refusal) return quiet(Promise.reject(refusal));
    this.#end = end;
    const write = this.#writer.write(this.hold, { end });
    write.catch((error: HandoverError) => {
      if (error.code === 'ERR_HANDOVER_DATABASE') this.#end = undefined;
    });
    return this.#track(write);
  }

  /** For the worker: asks the handler to pass on; `answered`: a successor waits for it. */
  leave(answered: boolean): void {
    this.#answered ||= answered;
    this.#leave.abort();
  }

  /** For the worker: asks the handler to end now. */
  abort(reason: HandoverError): void {
    this.#stop.abort(reason);
  }

  /** A write that comes too late ends the run at once. */
  #track<T>(write: Promise<T>): Promise<T> {
    write.catch((error: HandoverError) => {
      if (error.code === 'ERR_HANDOVER_FENCED') this.abort(error);
    });
    return write;
  }

  #repeat(seq: number, text: string): Promise<number> {
    const written = this.tail.find((event) => event.seq === seq);
    const before = written && JSON.stringify([written.type, written.data ?? null]);
    if (before !== text)
      return quiet(
        Promise.reject(
          new HandoverError(
            'ERR_HANDOVER_DIVERGED',
            `Work ${this.id}: event ${seq} was ${before} and is now ${text}. A handler with deterministic: true must repeat its events exactly.`,
            { id: this.id, seq },
          ),
        ),
      );
    this.#seq = seq;
    return Promise.resolve(seq);
  }

  #refusal(): HandoverError | undefined {
    if (!this.#end) return undefined;
    return this.#end.state === 'waiting'
      ? new HandoverError('ERR_HANDOVER_PASSED', `Work ${this.id}: this run has passed it on.`)
      : new HandoverError('ERR_HANDOVER_ENDED', `Work ${this.id}: this run has ended.`);
  }

  #tooLarge(what: string, text: string, limit: number): HandoverError | undefined {
    const bytes = Buffer.byteLength(text ?? '');
    if (bytes <= limit) return undefined;
    return new HandoverError(
      'ERR_HANDOVER_TOO_LARGE',
      `Work ${this.id}: ${what} of ${bytes} bytes, expected at most ${limit}. Keep large data elsewhere and its name here, or raise ${what}MaxBytes.`,
      { id: this.id, bytes, limit },
    );
  }
}

/** Who does not wait for a write learns of its failure by the run's signal, not by a crash. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
