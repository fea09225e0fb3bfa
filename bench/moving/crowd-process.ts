// The process with all the clients; told over IPC, one answer for each question.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, newAccount } from './account.ts';
import { Client } from './client.ts';

export interface Opening {
  port: number;
  streams: number;
  sockets: number;
  /** Each stream has a path of its own, and is resumed by number. */
  resume: boolean;
}

export type Question =
  | { ask: 'open'; opening: Opening }
  | { ask: 'longest' }
  | { ask: 'account' }
  | { ask: 'end' };

export interface Told {
  account: Account;
  /** Connections that were lost, by the worker that had written their last event. */
  cuts: Record<string, number>;
  /** Messages of clients that the server has not heard. */
  unheard: number;
  cpuMs: number;
  /** The last number of each client. */
  lasts: number[];
}

const BATCH = 200;
/** One socket in so many also sends, twice a second. */
const TALKATIVE = 10;
const OPEN_MS = 60_000;
const HEAR_MS = 5_000;

const account = newAccount();
const cuts: Record<string, number> = {};
let clients: Client[] = [];
let talking: Client[] = [];

async function open({ port, streams, sockets, resume }: Opening): Promise<void> {
  const target = {
    port,
    resume,
    onCut: (writer: string) => (cuts[writer] = (cuts[writer] ?? 0) + 1),
  };
  const all = Array.from({ length: streams + sockets }, (_, i) =>
    i < streams
      ? new Client(account, target, i, resume ? `/work/${i}` : '/stream')
      : new Client(account, target, i),
  );
  clients = all;
  for (let from = 0; from < all.length; from += BATCH) {
    const batch = all.slice(from, from + BATCH);
    for (const client of batch) client.open();
    account.opened += batch.length;
    await until(() => batch.every(({ numbers }) => numbers.last > 0), OPEN_MS);
  }
  talking = all.slice(streams).filter((_, i) => i % TALKATIVE === 0);
}

async function until(holds: () => boolean, limitMs: number): Promise<void> {
  const startedMs = performance.now();
  while (!holds()) {
    if (performance.now() - startedMs > limitMs)
      throw new Error(`Clients wait for ${limitMs} ms: ${JSON.stringify(account)}`);
    await sleep(5);
  }
}

setInterval(() => {
  for (const client of talking) client.say();
}, 500).unref();

async function tell(): Promise<Told> {
  const spoken = talking;
  talking = [];
  // What is on its way now is no loss.
  await until(() => spoken.every((client) => client.unheard <= 0), HEAR_MS).catch(() => undefined);
  talking = spoken;
  const { user, system } = process.cpuUsage();
  return {
    account,
    cuts,
    unheard: spoken.reduce((sum, client) => sum + Math.max(0, client.unheard), 0),
    cpuMs: (user + system) / 1_000,
    lasts: clients.map(({ numbers }) => numbers.last),
  };
}

async function answer(question: Exclude<Question, { ask: 'end' }>): Promise<unknown> {
  if (question.ask === 'open') return open(question.opening);
  if (question.ask === 'longest') return clients.map(({ numbers }) => numbers.takeLongest());
  return tell();
}

process.on('message', (question: Question) => {
  if (question.ask === 'end') {
    for (const client of clients) client.end();
    process.disconnect();
    return;
  }
  answer(question).then(
    (value) => process.connected && process.send?.({ value }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
// Whoever started it has gone.
process.on('disconnect', () => process.exit());
