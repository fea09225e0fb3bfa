import { Durations } from './durations.ts';
import { OUTCOMES, type Outcome } from './outcome.ts';

/** Labels of one kind that get a sketch of their own; the work of further ones shares the kind's. */
const LABELS_MAX = 64;

/** The counts of one kind of work. Leases hold a reference, so that ending one looks nothing up. */
export class Tally {
  readonly kind: string;
  inFlight = 0;
  refused = 0;
  readonly outcomes: Record<Outcome, number>;
  /** How long completed work of this kind took. */
  readonly durations = new Durations();
  /** The same for each label. */
  readonly labels = new Map<string, Durations>();

  constructor(kind: string) {
    this.kind = kind;
    this.outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
      Outcome,
      number
    >;
  }

  /** Notes how long one piece of work took. */
  took(ms: number, label: string | undefined): void {
    this.durations.add(ms);
    if (label !== undefined) this.ofLabel(label)?.add(ms);
  }

  /** The sketch of a label; undefined when there are too many labels for one more. */
  ofLabel(label: string): Durations | undefined {
    let durations = this.labels.get(label);
    if (!durations && this.labels.size < LABELS_MAX) {
      durations = new Durations();
      this.labels.set(label, durations);
    }
    return durations;
  }
}
