import { Durations } from './durations.ts';
import { OUTCOMES, type Outcome } from './outcome.ts';

/** The counts of one kind of work. Leases hold a reference, so that ending one looks nothing up. */
export class Tally {
  readonly kind: string;
  inFlight = 0;
  refused = 0;
  readonly outcomes: Record<Outcome, number>;
  /** How long completed work of this kind took. */
  readonly durations = new Durations();

  constructor(kind: string) {
    this.kind = kind;
    this.outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
      Outcome,
      number
    >;
  }
}
