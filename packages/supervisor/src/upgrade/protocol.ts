import type { MoveMessage } from 'lastcall/supervised';
import type { Counts } from '../node/counts.ts';
import type { Account } from '../node/figures.ts';
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

export type PeerQuestion =
  | 'status'
  | 'metrics'
  | 'initiate'
  | 'drain'
  | 'resume'
  | 'wait'
  | 'share';

/** What two supervisors of one node say to each other while one replaces the other. */
export type PeerMessage =
  /** The successor's workers have proved themselves. */
  | { upgrade: 'ready'; takesMoves?: boolean }
  /** Steps of moves, or a connection. */
  | { upgrade: 'move'; message: MoveMessage }
  /** It is to take the control socket, the pid file and the admin address. */
  | { upgrade: 'take' }
  | { upgrade: 'taken' }
  /** It could not take over, and ends. */
  | { upgrade: 'failed'; message: string }
  /** All workers of the older one have gone; these are its totals. */
  | { upgrade: 'totals'; metrics: string; account?: Account & Partial<Counts> }
  | { upgrade: 'ask'; id: number; what: PeerQuestion; reason?: string }
  | { upgrade: 'answer'; id: number; value: unknown };
