import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { serverAt } from '../supervised/listen.ts';
import { inject } from './http-arrival.ts';
import { type Registration, registrationOf } from './registry.ts';
import { ENVELOPE_VERSION, type Envelope, type Handle, type Send, type Stays } from './wire.ts';

interface Prepared {
  envelope: Envelope;
  handle: Handle;
  registration: Registration;
  state: unknown;
  /** The old worker keeps it after all. */
  undone: AbortController;
}

/** Streams that other workers give to this one. */
export class Arrivals {
  readonly #lifecycle: Lifecycle;
  readonly #send: Send;
  readonly #offered = new Map<number, Prepared>();
  /** Work that has come in, by kind. */
  readonly in: Record<string, number> = {};

  constructor(lifecycle: Lifecycle, send: Send) {
    this.#lifecycle = lifecycle;
    this.#send = send;
  }

  /** Gets ready for a stream; nothing is read from it or written to it yet. */
  async offer(id: number, envelope: Envelope, handle: Handle | undefined): Promise<void> {
    const refuse = (reason: Stays): void => {
      this.#drop(id);
      handle?.close();
      this.#send({ type: 'move', step: 'refused', id, reason });
    };
    const stays = this.#refusal(envelope);
    const registration = registrationOf(envelope);
    if (stays || !registration || !handle) return refuse(stays ?? 'no-handler');
    const undone = new AbortController();
    const prepared: Prepared = { envelope, handle, registration, state: undefined, undone };
    this.#offered.set(id, prepared);
    try {
      const { stateVersion: version } = envelope;
      const state: unknown = JSON.parse(envelope.state);
      prepared.state = await registration.thaw(state, { version, signal: undone.signal });
    } catch (error) {
      if (undone.signal.aborted) return;
      warn(envelope, error);
      return refuse('thaw');
    }
    if (!undone.signal.aborted) this.#send({ type: 'move', step: 'prepared', id });
  }

  /** The old worker has let go: from here on this one reads and writes. */
  go(id: number): void {
    const prepared = this.#offered.get(id);
    this.#offered.delete(id);
    if (!prepared) return;
    const { envelope, handle, registration, state } = prepared;
    if (envelope.lease) this.in[envelope.lease.kind] = (this.in[envelope.lease.kind] ?? 0) + 1;
    inject(serverAt(envelope.server)!, handle, { envelope, state, registration });
  }

  /** The old worker keeps the stream. */
  back(id: number): void {
    const prepared = this.#offered.get(id);
    if (!prepared) return;
    this.#drop(id);
    prepared.handle.close();
    prepared.undone.abort();
  }

  #drop(id: number): void {
    this.#offered.delete(id);
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
