import { LastcallError } from '../../errors.ts';
import type { PeerLimits } from './peer-drain.ts';

const DEFAULTS: PeerLimits = {
  closeTimeoutMs: 2_000,
  closeWindowMs: 0,
  reconnectWindowMs: 5_000,
};
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Completes and checks the limits of an adapter. Throws `ERR_LASTCALL_OPTION`. */
export function resolveLimits(given: Partial<PeerLimits>): PeerLimits {
  const limits = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof PeerLimits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    if (!Number.isFinite(value) || value < 0 || value > MAX_TIMER_MS)
      throw wrongOption(name, `a number of milliseconds from 0 to ${MAX_TIMER_MS}`, value);
    limits[name] = value;
  }
  return limits;
}

export function wrongOption(option: string, expected: string, got: unknown): LastcallError {
  const shown = typeof got === 'number' ? String(got) : JSON.stringify(got);
  return new LastcallError(
    'ERR_LASTCALL_OPTION',
    `Option ${option}: expected ${expected}, got ${shown}. Correct it, or leave it out for the default.`,
    { option, expected, got },
  );
}

const attached = new WeakSet<object>();

/** Throws `ERR_LASTCALL_ATTACHED` when this server was marked before. */
export function markAttached(adapter: string, server: object): void {
  if (attached.has(server))
    throw new LastcallError(
      'ERR_LASTCALL_ATTACHED',
      `${adapter}: this server is attached already. Attach each server once.`,
    );
  attached.add(server);
}

export const notAServer = (adapter: string, expected: string, got: string): LastcallError =>
  new LastcallError('ERR_LASTCALL_SERVER', `${adapter}: expected ${expected}, got ${got}.`);

export const listensAlready = (adapter: string, instead: string): LastcallError =>
  new LastcallError(
    'ERR_LASTCALL_LISTENING',
    `${adapter}: this server listens already, so connections may have been missed. ${instead}`,
  );
