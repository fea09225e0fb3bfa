import { LastcallError } from '../../errors.ts';

const attached = new WeakMap<object, Set<string>>();

/** Throws `ERR_LASTCALL_ATTACHED` when `adapter` has been called for this server before. */
export function markAttached(adapter: string, server: object): void {
  if (isAttached(adapter, server))
    throw new LastcallError(
      'ERR_LASTCALL_ATTACHED',
      `${adapter}: this server is attached already. Attach each server once.`,
    );
  const adapters = attached.get(server) ?? new Set();
  attached.set(server, adapters.add(adapter));
}

/** Whether `adapter` has been called for this server. */
export const isAttached = (adapter: string, server: object): boolean =>
  attached.get(server)?.has(adapter) ?? false;

export const notAServer = (adapter: string, expected: string, got: string): LastcallError =>
  new LastcallError('ERR_LASTCALL_SERVER', `${adapter}: expected ${expected}, got ${got}.`);

export const listensAlready = (adapter: string, instead: string): LastcallError =>
  new LastcallError(
    'ERR_LASTCALL_LISTENING',
    `${adapter}: this server listens already, so connections may have been missed. ${instead}`,
  );
