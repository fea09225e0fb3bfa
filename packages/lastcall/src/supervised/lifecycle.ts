import type { EventEmitter } from 'node:events';

/** What the supervised room needs of a lifecycle. */
export interface SupervisedLifecycle {
  readonly state: string;
  readonly epoch: number;
  readonly inFlight: number;
  readonly ledger: {
    readonly tallies: Iterable<{
      kind: string;
      inFlight: number;
      refused: number;
      outcomes: Readonly<Record<string, number>>;
    }>;
    inFlightByKind(): Record<string, number>;
    idle(): Promise<void>;
  };
  readonly events: Pick<EventEmitter, 'on'>;
  /** When open work is cancelled, on the monotonic clock; absent while no stop or drain runs. */
  readonly deadlineAtMs?: number | undefined;
  stop(options: {
    reason: string;
    exit?: boolean;
    leave?: boolean;
    siblings?: boolean;
    force?: boolean;
  }): Promise<unknown>;
  drain(options: { reason: string }): unknown;
  resume(): boolean;
}
