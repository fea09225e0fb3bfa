// The account of promises: a request sent on an open connection is owed an answer.
import { nowMs } from './clock.ts';
import { Output } from './output.ts';
import type { Lane, Span, Timeline } from './timeline.ts';

/**
 * answered: a whole answer came. refused: a whole 503 (or UNAVAILABLE) came. lost: cut, reset,
 * truncated or never answered. void: not owed, because the server had said so in time
 * (`Connection: close` on an earlier answer, a GOAWAY below the stream).
 */
export type Outcome = 'pending' | 'answered' | 'refused' | 'lost' | 'void';

const bodyPart = 128 * 1024;

export class Exchange {
  readonly method: string;
  readonly path: string;
  readonly sentMs = nowMs();
  settledMs: number | undefined;
  outcome: Outcome = 'pending';
  reason = 'no answer came';
  status = 0;
  informational: number[] = [];
  headers = new Map<string, string>();
  trailers = new Map<string, string>();
  bodyBytes = 0;
  /** Resolves when the answer is whole or can no longer come; never rejects. */
  readonly done: Promise<Exchange>;
  /** Resolves when the head of the final answer is there, or with `done`. */
  readonly head: Promise<Exchange>;
  onBody: ((chunk: Buffer) => void) | undefined;
  #body: Output | undefined;
  readonly #span: Span;
  readonly #timeline: Timeline;
  #resolveDone: (exchange: Exchange) => void = () => undefined;
  #resolveHead: (exchange: Exchange) => void = () => undefined;

  constructor(method: string, path: string, lane: Lane, timeline: Timeline) {
    this.method = method;
    this.path = path;
    this.#timeline = timeline;
    this.#span = {
      label: `${method} ${path}`,
      fromMs: timeline.at(),
      outcome: 'pending',
      detail: '',
    };
    lane.spans.push(this.#span);
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
    this.head = new Promise((resolve) => {
      this.#resolveHead = resolve;
    });
  }

  headArrived(): void {
    this.#resolveHead(this);
  }

  body(chunk: Buffer): void {
    this.bodyBytes += chunk.length;
    this.#body ??= new Output(bodyPart);
    this.#body.add(chunk);
    this.onBody?.(chunk);
  }

  /** The first and the last 128 Ki characters of the body. */
  get text(): string {
    return this.#body?.text ?? '';
  }

  settle(outcome: Exclude<Outcome, 'pending'>, reason: string): void {
    if (this.outcome !== 'pending') return;
    this.outcome = outcome;
    this.reason = reason;
    this.settledMs = nowMs();
    this.#span.toMs = this.#timeline.at();
    this.#span.outcome = outcome;
    this.#span.detail = reason;
    this.#resolveHead(this);
    this.#resolveDone(this);
  }

  /** For people: what became of it. */
  toString(): string {
    const status = this.status > 0 ? `, status ${this.status}, ${this.bodyBytes} body bytes` : '';
    return `${this.method} ${this.path}: ${this.outcome} (${this.reason}${status})`;
  }
}

export interface Totals {
  owed: number;
  answered: number;
  refused: number;
  lost: number;
}

export class Account {
  readonly exchanges: Exchange[] = [];

  add(exchange: Exchange): Exchange {
    this.exchanges.push(exchange);
    return exchange;
  }

  /** Lost, or still waiting although nobody waits for it any more. */
  get lost(): Exchange[] {
    return this.exchanges.filter((one) => one.outcome === 'lost' || one.outcome === 'pending');
  }

  /** Nobody waits any more: what has no answer by now is lost. */
  giveUp(): void {
    for (const one of this.exchanges) one.settle('lost', 'no answer came');
  }

  /**
   * Counts only what was at risk: settled at `sinceMs` or later. What is pending has not been given up:
   * the case was over without it.
   */
  totals(sinceMs: number): Totals {
    const totals = { owed: 0, answered: 0, refused: 0, lost: 0 };
    for (const { outcome, settledMs } of this.exchanges) {
      if (outcome === 'void' || outcome === 'pending' || (settledMs ?? 0) < sinceMs) continue;
      totals.owed += 1;
      totals[outcome] += 1;
    }
    return totals;
  }
}
