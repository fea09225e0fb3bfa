import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { serverAt } from '../supervised/listen.ts';
import { inodeOf, whyLost } from './channel.ts';
import { inject } from './http-arrival.ts';
import { type Registration, registrationOf } from './registry.ts';
import { ENVELOPE_VERSION, type Envelope, type Handle, type Sender, type Stays } from './wire.ts';

interface Prepared {
  envelope: Envelope;
  registration: Registration;
  /** The connection itself, once it has come. */
  handle: Handle | undefined;
  /** Resolves when it has come, and is the right one. */
  came: PromiseWithResolvers<void>;
  state: unknown;
  /** The old worker keeps it after all. */
  undone: AbortController;
}

/** Streams that other workers give to this one. */
export class Arrivals {
  readonly #lifecycle: Lifecycle;
  readonly #sender: Sender;
  readonly #offered = new Map<number, Prepared>();
  /** Work that has come in, by kind. */
  readonly in: Record<string, number> = {};

  constructor(lifecycle: Lifecycle, sender: Sender) {
    this.#lifecycle = lifecycle;
    this.#sender = sender;
  }

  /** Gets ready for a stream; nothing is read from it or written to it yet. */
  async offer(id: number, envelope: Envelope): Promise<void> {
    const stays = this.#refusal(envelope);
    const registration = registrationOf(envelope);
    if (stays || !registration) return this.#refuse(id, stays ?? 'no-handler');
    const undone = new AbortController();
    const came = Promise.withResolvers<void>();
    const rest = { handle: undefined, came, state: undefined, undone };
    const prepared: Prepared = { envelope, registration, ...rest };
    this.#offered.set(id, prepared);
    try {
      const { stateVersion: version } = envelope;
      const state: unknown = JSON.parse(envelope.state);
      prepared.state = await registration.thaw(state, { version, signal: undone.signal });
    } catch (error) {
      if (undone.signal.aborted) return;
      warn(envelope, error);
      return this.#refuse(id, 'thaw');
    }
    await came.promise;
    if (!undone.signal.aborted) this.#sender.step({ step: 'prepared', id });
  }

  /** The connection that has been offered; `undefined` when it did not come with its message. */
  connection(id: number, handle: Handle | undefined): void {
    const prepared = this.#offered.get(id);
    if (!prepared) return handle?.close();
    if (!handle) return this.#refuse(id, whyLost());
    prepared.handle = handle;
    if (inodeOf(handle) === prepared.envelope.inode) return prepared.came.resolve();
    return this.#refuse(id, 'mixed-up');
  }

  /** The old worker has let go: from here on this one reads and writes. */
  go(id: number): void {
    const prepared = this.#offered.get(id);
    this.#offered.delete(id);
    if (!prepared) return;
    const { envelope, handle, registration, state } = prepared;
    if (!handle) return;
    if (envelope.lease) this.in[envelope.lease.kind] = (this.in[envelope.lease.kind] ?? 0) + 1;
    inject(serverAt(envelope.server)!, handle, { envelope, state, registration });
  }

  /** The old worker keeps the stream. */
  back(id: number): void {
    const prepared = this.#offered.get(id);
    this.#offered.delete(id);
    prepared?.handle?.close();
    prepared?.undone.abort();
    prepared?.came.resolve();
  }

  /** Nobody can say any more who has it: what was not let go of belongs to the old worker. */
  alone(): void {
    for (const id of this.#offered.keys()) this.back(id);
  }

  #refuse(id: number, reason: Stays): void {
    this.back(id);
    this.#sender.step({ step: 'refused', id, reason });
  }

  #refusal(envelope: Envelope): Stays | undefined {
    if (envelope.version !== ENVELOPE_VERSION) return 'version';
    if (this.#lifecycle.state !== 'ready') return 'not-ready';
    const registration = registrationOf(envelope);
    if (!registration) return 'no-handler';
    if (!registration.versions.includes(envelope.stateVersion)) return 'version';
    return serverAt(envelope.server) ? registration.refusal(envelope) : 'server';
  }
}

function warn({ kind }: Envelope, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  process.emitWarning(`A ${kind} stream was refused: ${why}`, 'LastcallWarning');
}
