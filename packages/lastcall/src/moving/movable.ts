import type { ServerResponse } from 'node:http';
import { wrongOption } from '../servers/support/peer-options.ts';
import type { Carrier } from './carrier.ts';
import type { Departures } from './departures.ts';
import { HttpCarrier } from './http-carrier.ts';

const STATE_BYTES = 65_536;

let departures: Departures | undefined;

/** Called when a supervisor has started this process. */
export function departThrough(through: Departures): void {
  departures = through;
}

export interface MovableOptions {
  /** Which of the successor's `onMoved` handlers takes it up. */
  kind: string;
  /**
   * The state from which the successor goes on after the last byte that was written; JSON. Called
   * between two writes; what is written after it is sent only when the stream stays.
   */
  freeze: () => unknown;
  /** Version of the state. Default 1. */
  version?: number;
  /** A larger state stays, with its stream. Default 65,536. */
  maxStateBytes?: number;
}

export const declared = ({
  kind,
  freeze,
  version = 1,
  maxStateBytes = STATE_BYTES,
}: MovableOptions): Carrier['declared'] => {
  if (typeof kind !== 'string' || kind === '') throw wrongOption('kind', 'a name', kind);
  if (typeof freeze !== 'function') throw wrongOption('freeze', 'a function', freeze);
  if (!Number.isInteger(version)) throw wrongOption('version', 'a whole number', version);
  if (!Number.isInteger(maxStateBytes) || maxStateBytes < 0)
    throw wrongOption('maxStateBytes', 'a number of bytes', maxStateBytes);
  return { kind, freeze, version, maxStateBytes };
};

/** Ties a carrier to this process's moves. Returns what ends that; `undefined` without a supervisor. */
export function offerCarrier(carrier: Carrier): (() => void) | undefined {
  const through = departures;
  through?.add(carrier);
  return through && (() => through.delete(carrier));
}

/**
 * Declares that an open answer may be given to another worker of the node while the client stays
 * connected. Returns false, and does nothing, where no supervisor has started the process.
 * Throws `ERR_LASTCALL_OPTION`.
 */
export function movable(response: ServerResponse, options: MovableOptions): boolean {
  const what = declared(options);
  if (response.destroyed) return false;
  const ended = offerCarrier(new HttpCarrier(response, what));
  if (ended) response.once('close', ended);
  return ended !== undefined;
}
