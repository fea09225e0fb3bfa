import type { WireStatus } from 'lastcall/supervised';
import type { Address } from '../sockets/address.ts';

/** What the successor finds in `LASTCALL_UPGRADE`; the sockets are its descriptors from 3 on. */
export interface Inheritance {
  sockets: { wanted: string; address: Address }[];
  /** The sockets came from systemd: the configuration does not name them. */
  activated: boolean;
  generation: number;
  nextWorkerId: number;
  workers: number;
}

export type ToSuccessor =
  /** The successor has proved itself: it takes the control socket and the pid file. */
  | { upgrade: 'take' }
  | { upgrade: 'answer'; id: number; value: WireStatus | string }
  /** All workers of the old supervisor have gone; these are its totals. */
  | { upgrade: 'totals'; metrics: string };

export type ToPredecessor =
  | { upgrade: 'ready' }
  | { upgrade: 'taken' }
  | { upgrade: 'ask'; id: number; what: 'status' | 'metrics' };
