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
