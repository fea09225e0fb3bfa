import type { WireStatus } from 'lastcall/supervised';
import type { Predecessor } from '../node/doors.ts';
import type { Inheritance, ToPredecessor, ToSuccessor } from './protocol.ts';

/** What an older supervisor has left to this one; `undefined` when this one was started afresh. */
export function inheritance(): Inheritance | undefined {
  const text = process.env.LASTCALL_UPGRADE;
  delete process.env.LASTCALL_UPGRADE;
  return text === undefined ? undefined : (JSON.parse(text) as Inheritance);
}

/** The older supervisor, as seen from the one that replaces it. */
export class OlderSupervisor implements Predecessor {
  readonly #asked = new Map<number, (value: WireStatus | string | undefined) => void>();
  readonly #taking = Promise.withResolvers<void>();
  #nextId = 0;
  #onTotals: (metrics: string) => void = () => undefined;

  constructor() {
    process.on('message', (raw) => this.#take(raw as ToSuccessor));
    process.once('disconnect', () => {
      for (const answer of this.#asked.values()) answer(undefined);
      this.#asked.clear();
      // It has gone, before or after its time: nobody else is left to serve.
      this.#taking.resolve();
    });
  }

  /** Says that the workers have proved themselves; resolves when this supervisor is to take over. */
  async proved(): Promise<void> {
    this.#tell({ upgrade: 'ready' });
    await this.#taking.promise;
  }

  /** Says that control socket and pid file are this one's now. */
  taken(onTotals: (metrics: string) => void): void {
    this.#onTotals = onTotals;
    this.#tell({ upgrade: 'taken' });
    process.channel?.unref();
  }

  async status(): Promise<WireStatus | undefined> {
    return (await this.#ask('status')) as WireStatus | undefined;
  }

  async metrics(): Promise<string> {
    return ((await this.#ask('metrics')) as string | undefined) ?? '';
  }

  #ask(what: 'status' | 'metrics'): Promise<WireStatus | string | undefined> {
    if (!process.connected) return Promise.resolve(undefined);
    const id = ++this.#nextId;
    this.#tell({ upgrade: 'ask', id, what });
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
    });
  }

  #take(message: ToSuccessor): void {
    if (message.upgrade === 'take') this.#taking.resolve();
    else if (message.upgrade === 'totals') this.#onTotals(message.metrics);
    else if (message.upgrade === 'answer') {
      this.#asked.get(message.id)?.(message.value);
      this.#asked.delete(message.id);
    }
  }

  #tell(message: ToPredecessor): void {
    if (process.connected) process.send?.(message, undefined, {}, () => undefined);
  }
}
