// What clients were owed and got, kept outside of the server.

export interface Account {
  /** Connections that were opened, and opened again after a loss. */
  opened: number;
  reopened: number;
  /** Connections that ended before the bench ended them. */
  closed: number;
  events: number;
  missing: number;
  repeated: number;
  outOfOrder: number;
  /** Anything that is no event: bytes out of place, an unexpected answer. */
  garbled: number;
  /** Messages that clients sent, and the server's account of those: not in order, or not there. */
  sent: number;
  sentFaults: number;
  /** The first few faults in detail. */
  faults: string[];
}

export const newAccount = (): Account => ({
  opened: 0,
  reopened: 0,
  closed: 0,
  events: 0,
  missing: 0,
  repeated: 0,
  outOfOrder: 0,
  garbled: 0,
  sent: 0,
  sentFaults: 0,
  faults: [],
});

const FAULTS_MAX = 40;

export function note(account: Account, fault: string): void {
  if (account.faults.length < FAULTS_MAX) account.faults.push(fault);
}

/** The numbers of one stream, over all of its connections. */
export class Numbers {
  last = 0;
  lastAtMs = 0;
  /** The longest time between two events since it was last asked for. */
  longestMs = 0;
  readonly #account: Account;
  readonly #name: string;
  #missing: Set<number> | undefined;

  constructor(account: Account, name: string) {
    this.#account = account;
    this.#name = name;
  }

  take(number: number): void {
    const nowMs = performance.now();
    const account = this.#account;
    account.events += 1;
    if (this.lastAtMs > 0) this.longestMs = Math.max(this.longestMs, nowMs - this.lastAtMs);
    this.lastAtMs = nowMs;
    if (number === this.last + 1) {
      this.last = number;
      return;
    }
    note(account, `${this.#name}: ${number} after ${this.last}`);
    if (number <= this.last) {
      if (this.#missing?.delete(number)) {
        account.missing -= 1;
        account.outOfOrder += 1;
      } else account.repeated += 1;
      return;
    }
    this.#missing ??= new Set();
    for (let i = this.last + 1; i < number; i += 1) this.#missing.add(i);
    account.missing += number - this.last - 1;
    this.last = number;
  }

  /** The longest time without an event since the last call; the one that goes on counts too. */
  takeLongest(): number {
    const longestMs = Math.max(this.longestMs, performance.now() - this.lastAtMs);
    this.longestMs = 0;
    return longestMs;
  }
}
