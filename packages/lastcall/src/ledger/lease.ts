import { performance } from 'node:perf_hooks';
import { ERRORS, LastcallError } from '../errors.ts';
import type { Ledger } from './ledger.ts';
import type { Outcome } from './outcome.ts';
import type { Tally } from './tally.ts';

let lastId = 0;

/**
 * The unique handle on one piece of admitted work. It is ended exactly once: the first call of
 * `end` wins, later ones change nothing.
 */
export class Lease {
  readonly admitted = true as const;
  /** Unique in this process; two pieces of work never share one, whatever ids clients give. */
  readonly id: number;
  /** A finer name for estimates and the console: a route, a model. It may be set until the lease has ended. */
  label: string | undefined;
  /** When the work was admitted, on the monotonic clock (`performance.now()`). */
  readonly startedMs: number;
  /** For the adapter that admitted the work: what answers it. */
  owner: unknown;
  /** For the adapter: called once, when the lease has ended. */
  onEnd: (() => void) | undefined;
  /** For the ledger: the neighbours among the open leases. */
  older: Lease | undefined;
  newer: Lease | undefined;
  readonly #ledger: Ledger;
  #tally: Tally;
  #controller: AbortController | undefined;
  #cancelled: LastcallError | undefined;
  #outcome: Outcome | undefined;

  constructor(ledger: Ledger, tally: Tally, label: string | undefined, nowMs: number) {
    this.id = ++lastId;
    this.label = label;
    this.startedMs = nowMs;
    this.#ledger = ledger;
    this.#tally = tally;
  }

  /** The kind of work: `request`, `stream`, `task`, ... It may be set until the lease has ended. */
  get kind(): string {
    return this.#tally.kind;
  }

  set kind(kind: string) {
    if (this.#outcome === undefined) this.#tally = this.#ledger.moveKind(this.#tally, kind);
  }

  /** How the work ended; `undefined` while it runs. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Why the work was asked to stop; `undefined` while nobody has asked. */
  get cancelReason(): LastcallError | undefined {
    return this.#cancelled;
  }

  /** Aborts at the deadline of a stop, on revoke, and when the client goes; its reason is coded. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort(this.#cancelled);
    }
    return this.#controller.signal;
  }

  /** Asks the work to stop: aborts `signal` with `reason`. The lease stays open until `end`. */
  cancel(reason: LastcallError): void {
    if (this.#outcome !== undefined || this.#cancelled) return;
    this.#cancelled = reason;
    this.#controller?.abort(reason);
  }

  /** Cancels the work for its owner: who asked for it does not want it any more. */
  revoke(why = 'The work was revoked by its owner.'): void {
    this.cancel(new LastcallError('ERR_LASTCALL_REVOKED', why));
  }

  /**
   * Ends the lease. Work that was cancelled at the deadline counts as `expired` even when its
   * handler then ended it in good order. Returns false when it had ended before. `nowMs` saves a
   * caller that has just read the monotonic clock from reading it again.
   */
  end(outcome: Outcome = 'completed', nowMs: number = performance.now()): boolean {
    if (this.#outcome !== undefined) return false;
    const final = this.#cancelled ? this.#afterCancel(outcome, this.#cancelled) : outcome;
    this.#outcome = final;
    if (final === 'cancelled' && !this.#cancelled) this.#abort('ERR_LASTCALL_CLIENT_GONE');
    if (final === 'moved' && !this.#cancelled) this.#abort('ERR_LASTCALL_MOVED');
    this.#ledger.settle(this, this.#tally, final, nowMs);
    this.owner = undefined;
    this.onEnd?.();
    return true;
  }

  #afterCancel(outcome: Outcome, reason: LastcallError): Outcome {
    if (outcome === 'handed_over' || outcome === 'moved' || outcome === 'lost') return outcome;
    return reason.code === 'ERR_LASTCALL_DEADLINE' || reason.code === 'ERR_LASTCALL_FORCED'
      ? 'expired'
      : 'cancelled';
  }

  /** Tells whoever still works on it that nobody here needs it any more. */
  #abort(code: 'ERR_LASTCALL_CLIENT_GONE' | 'ERR_LASTCALL_MOVED'): void {
    this.#cancelled = new LastcallError(code, ERRORS[code]);
    this.#controller?.abort(this.#cancelled);
  }
}
