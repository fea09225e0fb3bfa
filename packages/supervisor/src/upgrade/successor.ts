import { addCounts } from '../node/counts.ts';
import type { Supervisor } from '../supervisor.ts';
import { Peer } from './peer.ts';
import type { Inheritance, PeerMessage } from './protocol.ts';

const SUCCESSOR = process.env.LASTCALL_UPGRADE !== undefined;

/** Whether an older supervisor has started this process: its channel leads there. */
export const isSuccessor = (): boolean => SUCCESSOR;

/** What an older supervisor has left to this one; `undefined` when this one was started afresh. */
export function inheritance(): Inheritance | undefined {
  const text = process.env.LASTCALL_UPGRADE;
  delete process.env.LASTCALL_UPGRADE;
  return text === undefined ? undefined : (JSON.parse(text) as Inheritance);
}

/** The older supervisor, as seen from the one that replaces it. */
export class OlderSupervisor {
  readonly #supervisor: Supervisor;
  readonly #peer: Peer;
  readonly #taking = Promise.withResolvers<void>();

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
    const { fleet } = supervisor;
    const { moves } = fleet;
    // They are among the totals of the older one.
    fleet.recordedKills = 0;
    const peer = new Peer(process, supervisor.doors, (message, handle) => {
      if (message.upgrade === 'move') moves.take(peer, message.message, handle);
      else if (message.upgrade === 'take') this.#taking.resolve();
      else if (message.upgrade === 'totals') this.#retain(message);
    });
    this.#peer = peer;
    supervisor.peer = peer;
    supervisor.onTrial = true;
    moves.peer = peer;
    process.once('disconnect', () => {
      supervisor.peer = undefined;
      supervisor.onTrial = false;
      moves.silent(peer);
      supervisor.stopBook.refresh();
      // It has gone, in its time or before it: nobody else is left to serve.
      this.#taking.resolve();
    });
  }

  /** Says that the workers have proved themselves; resolves when this supervisor is to take over. */
  async proved(): Promise<void> {
    this.#peer.tell({ upgrade: 'ready', takesMoves: true });
    await this.#taking.promise;
  }

  /** Says that control socket, pid file and admin address are this one's now. */
  taken(): void {
    this.#supervisor.onTrial = false;
    this.#peer.tell({ upgrade: 'taken' });
    process.channel?.unref();
  }

  /** Says that this one cannot take over: the older one stays. */
  failed(message: string): void {
    this.#peer.tell({ upgrade: 'failed', message });
  }

  /** From here on the older one's totals are kept here. */
  #retain({ metrics, account }: Extract<PeerMessage, { upgrade: 'totals' }>): void {
    const { fleet } = this.#supervisor;
    this.#supervisor.peer = undefined;
    fleet.metrics.retain(metrics);
    if (!account) return;
    fleet.past.addAccount(account);
    addCounts(fleet.before, account);
  }
}
