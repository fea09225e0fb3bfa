import { dirname, resolve } from 'node:path';
import { type FlightRecord, keepFlight, readFlights } from 'lastcall/supervised';
import type { Config } from './config/load.ts';
import type { Worker } from './core/model.ts';
import { type Ending, lastStop, type Told } from './node/last-stop.ts';

const KEPT = 200;

/** A past stop of one worker. */
export type Stop = FlightRecord & { worker: string; generation: number };

/** The records of past stops: on disk beside the control socket, the last ones in memory. */
export class StopBook {
  readonly #dir: string;
  readonly #say: (line: string) => void;
  readonly #stops: Stop[];
  /** Workers that have written the record of their end themselves. */
  readonly #told = new WeakSet<Worker>();

  constructor({ dir, control }: Config, say: (line: string) => void) {
    this.#dir = dirname(resolve(dir, control));
    this.#say = say;
    this.#stops = load(this.#dir);
  }

  get stops(): readonly Stop[] {
    return this.#stops;
  }

  /** Takes in what another supervisor of this node has written meanwhile. */
  refresh(): void {
    const known = new Set(this.#stops.map(nameOf));
    const others = load(this.#dir).filter((stop) => !known.has(nameOf(stop)));
    this.#stops.push(...others);
    this.#stops.splice(0, this.#stops.length - KEPT);
  }

  /** A worker has ended; where it could not write a record, this does. */
  ended(worker: Worker, told: Told, ending: Ending): void {
    const record = this.#told.has(worker) ? undefined : lastStop(worker, told, ending);
    if (record) this.add(worker, record);
  }

  add(worker: Worker, record: FlightRecord): void {
    const { name, generation } = worker;
    if (record.result !== 'undone') this.#told.add(worker);
    const stop = { ...record, worker: name, generation };
    this.#stops.push(stop);
    if (this.#stops.length > KEPT) this.#stops.shift();
    try {
      keepFlight(this.#dir, stop);
    } catch (error) {
      this.#say(`the record of a stop cannot be kept: ${(error as Error).message}`);
    }
  }
}

const nameOf = ({ pid, startedAt }: Stop): string => `${pid} ${startedAt}`;

/** What an earlier supervisor has left; what is damaged is left out. */
function load(dir: string): Stop[] {
  try {
    const { records } = readFlights(dir);
    return records.filter((record): record is Stop => 'worker' in record).slice(-KEPT);
  } catch {
    return [];
  }
}
