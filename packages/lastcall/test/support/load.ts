import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from './raw-client.ts';

/**
 * Half of the shortest linger: a client that a busy machine has held up for longer since it connected,
 * or since it asked last, may rightly be taken for silent and sends nothing more. Its answer may have
 * waited for it all that time.
 */
export const HELD_UP_MS = 150;

/** The account of a load: every request sent on an open connection is owed an answer. */
export interface Account {
  sent: number;
  answered: number;
  /** Answers by status. */
  statuses: Map<number, number>;
  /** Connections whose last answer did not carry `Connection: close`. */
  unannounced: number;
  /** Connection attempts that were refused: the listener had closed. */
  refusedConnections: number;
  /** Connections that were accepted and ended without an answer to their first request. */
  lost: number;
  /** The test has asked the server to stop. */
  stopping: boolean;
}

export const newAccount = (): Account => ({
  sent: 0,
  answered: 0,
  statuses: new Map(),
  unannounced: 0,
  refusedConnections: 0,
  lost: 0,
  stopping: false,
});

/**
 * A keep-alive client that sends its next request `thinkMs()` after each answer (0: at once), until
 * an answer says `Connection: close`. A request without an answer is lost.
 */
export async function keepAliveClient(
  port: number,
  account: Account,
  thinkMs: () => number,
  warm: () => void,
  options: { tls?: boolean } = {},
): Promise<void> {
  const client = await RawClient.open(port, options);
  for (let i = 0; ; i += 1) {
    const askedMs = performance.now();
    client.get('/');
    account.sent += 1;
    const answer = await client.answer();
    if (!answer) {
      account.lost += 1;
      break;
    }
    account.answered += 1;
    account.statuses.set(answer.status, (account.statuses.get(answer.status) ?? 0) + 1);
    if (answer.headers.get('connection') === 'close') break;
    if (i === 5) warm();
    const ms = thinkMs();
    if (ms > 0) await sleep(ms);
    if (account.stopping && performance.now() - askedMs - ms > HELD_UP_MS) break;
    if (client.closing !== 'open') {
      account.unannounced += 1;
      break;
    }
  }
  client.destroy();
}

/** A client that connects anew for each request until it is refused. */
export async function freshClient(port: number, account: Account, warm: () => void): Promise<void> {
  for (let i = 0; ; i += 1) {
    const sinceMs = performance.now();
    let client: RawClient;
    try {
      client = await RawClient.open(port);
    } catch {
      account.refusedConnections += 1;
      return;
    }
    if (account.stopping && performance.now() - sinceMs > HELD_UP_MS) {
      client.destroy();
      continue;
    }
    client.get('/');
    account.sent += 1;
    const answer = await client.answer();
    client.destroy();
    if (answer) {
      account.answered += 1;
      account.statuses.set(answer.status, (account.statuses.get(answer.status) ?? 0) + 1);
    } else account.lost += 1;
    if (i === 5) warm();
  }
}

/** Runs `count` clients and resolves when all of them are warm, with the promise of their end. */
export async function startLoad(
  count: number,
  client: (warm: () => void) => Promise<void>,
): Promise<{ done: Promise<unknown> }> {
  let warmed = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const warm = (): void => {
    warmed += 1;
    if (warmed === count) resolve();
  };
  const done = Promise.all(Array.from({ length: count }, () => client(warm)));
  await Promise.race([promise, done]);
  return { done };
}
