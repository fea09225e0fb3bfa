import { finishing } from './finishing.ts';
import type { Driver, Peer } from './peer.ts';
import { races } from './races.ts';
import { reckoning } from './reckoning.ts';
import type { ServerProcess } from '../support/process.ts';
import { vandals } from './vandals.ts';

/** What a behaviour works with. Servers are ended after it. */
export interface Bench {
  start: (env?: Record<string, string>) => Promise<ServerProcess>;
  open: (server: ServerProcess) => Promise<Peer>;
  driver: Driver;
}

export type Behaviour = (bench: Bench) => Promise<void>;

/** Every behaviour by its stable name. */
export const BEHAVIOURS = { ...finishing, ...races, ...reckoning, ...vandals } satisfies Record<
  string,
  Behaviour
>;

export type BehaviourName = keyof typeof BEHAVIOURS;
