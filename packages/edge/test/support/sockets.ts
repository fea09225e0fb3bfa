import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Account, Running } from './load.ts';

/** Closed in order by a service that stops (RFC 6455 section 7.4.1, and 1012 of its registry). */
const IN_ORDER = new Set([1001, 1012]);

/**
 * WebSocket clients that ask one question after another, and come back when they are sent away. Told
 * that the service leaves they ask nothing more there. A question without an answer is a failure, and
 * so is every other end of a connection.
 */
export function startSockets(url: string, account: Account, count: number): Running {
  const ended = new AbortController();
  const clients = Array.from({ length: count }, async (_, i) => {
    for (let turn = 0; !ended.signal.aborted; turn += 1) {
      const fault = await visit(url, `${i}.${turn}`, account, ended.signal);
      if (fault === undefined) continue;
      account.failed.push(`socket: ${fault}`);
      await sleep(100);
    }
  });
  return {
    account,
    async stop() {
      ended.abort();
      await Promise.all(clients);
      return account;
    },
  };
}

/** One connection, from its upgrade to its end. */
async function visit(
  url: string,
  name: string,
  account: Account,
  ended: AbortSignal,
): Promise<string | undefined> {
  const count = (what: string): void => {
    account.sent[what] = (account.sent[what] ?? 0) + 1;
  };
  const socket = new WebSocket(url.replace('http', 'ws'));
  const broken: string[] = [];
  let asked = 0;
  let open = false;
  let pending: string | undefined;
  let leaving = false;
  const next = (): void => {
    if (leaving || socket.readyState !== WebSocket.OPEN) return;
    if (ended.aborted) return socket.close(1000);
    pending = `${name}.${(asked += 1)}`;
    count('question');
    return socket.send(pending);
  };
  socket.on('open', () => {
    open = true;
    count('socket');
    next();
  });
  socket.on('error', (error) => broken.push(error.message));
  socket.on('message', (data: Buffer) => {
    const text = data.toString();
    if (text === 'leaving') leaving = true;
    else if (text === `answer ${pending}`) pending = undefined;
    // Refused in so many words: it is asked again elsewhere.
    else if (text === `refused ${pending}`) [pending, leaving] = [undefined, true];
    else broken.push(`got ${text}, expected an answer to ${pending}`);
    if (pending === undefined) next();
  });
  const [code, reason] = (await once(socket, 'close').catch((error: Error) => [
    1006,
    error.message,
  ])) as [number, Buffer | string];
  if (broken.length > 0 || !open) return broken.join('; ') || `no upgrade: ${String(reason)}`;
  if (pending !== undefined) return `${code}, and ${pending} has no answer`;
  if (code === 1000 && ended.aborted) return undefined;
  if (!IN_ORDER.has(code)) return `closed with ${code} ${String(reason)}`;
  count('closed in order');
  return undefined;
}
