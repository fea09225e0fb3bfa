// Numbered events at fixed moments: every stream has its own, whichever process sends it.

const EVERY_MS = 500;
const SLOT_MS = 10;
const SLOTS = EVERY_MS / SLOT_MS;

/** Where a stream stands; it goes with the stream when that is moved. */
export interface Position {
  /** The number of the next event. */
  next: number;
  /** When it is due, on the clock that all processes of this machine share. */
  dueMs: number;
}

export interface Scheduled {
  position: Position;
  send: (number: number) => void;
}

/** CLOCK_MONOTONIC: the same in every process. */
export const nowMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

export const firstPosition = (): Position => ({
  next: 1,
  dueMs: nowMs() + Math.random() * EVERY_MS,
});

/** Sends each stream's events when they are due; what is overdue at once. One timer for all. */
export class Schedule {
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Scheduled>());
  #doneSlot = Math.floor(nowMs() / SLOT_MS);

  constructor() {
    setInterval(() => this.#turn(), SLOT_MS).unref();
  }

  add(stream: Scheduled): () => void {
    const slot = this.#slots[Math.ceil(stream.position.dueMs / SLOT_MS) % SLOTS]!;
    slot.add(stream);
    sendDue(stream, nowMs());
    return () => slot.delete(stream);
  }

  #turn(): void {
    const now = nowMs();
    const slot = Math.floor(now / SLOT_MS);
    // After a whole round every slot has been looked at.
    for (let i = Math.max(this.#doneSlot + 1, slot - SLOTS + 1); i <= slot; i += 1)
      for (const stream of this.#slots[i % SLOTS]!) sendDue(stream, now);
    this.#doneSlot = slot;
  }
}

function sendDue({ position, send }: Scheduled, now: number): void {
  while (position.dueMs <= now) {
    const number = position.next;
    position.next += 1;
    position.dueMs += EVERY_MS;
    send(number);
  }
}
