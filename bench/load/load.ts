// A mixed load: clients of several kinds, each in its own loop, until told to stop.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Outcome, type Target } from './client.ts';

/** What each kind of client has been promised and got. */
export interface Account {
  requests: number;
  answered: number;
  /** Answered 503. */
  refused: number;
  /** The connection was refused or reset before the request. */
  unconnected: number;
  /** The connection ended before the answer was whole. */
  dropped: number;
  /** Answered, but with another status or not with what was asked for. */
  wrong: number;
  errors: Record<string, number>;
  /** The first few losses in detail: what to look for in the server. */
  losses: string[];
  longestMs: number;
  longestConnectMs: number;
}

export interface Mix {
  /** Keep-alive, 50 to 150 ms between requests. */
  thinking: number;
  /** Keep-alive, always with a request under way. */
  busy: number;
  /** A new connection for each request. */
  fresh: number;
  /** Requests of 800 ms. */
  slow: number;
  /** Event streams of 1.5 s. */
  streams: number;
  /** Uploads over about a second. */
  uploads: number;
}

export const FULL_MIX: Mix = {
  thinking: 32,
  busy: 16,
  fresh: 8,
  slow: 16,
  streams: 16,
  uploads: 4,
};

const EVENTS = 30;
const UPLOAD_PARTS = 10;
const UPLOAD_PART = Buffer.alloc(1_024, 'x');

type Kind = keyof Mix;

interface Play {
  send: (socket: Socket) => void;
  /** Whether the body is what was asked for. */
  right: (body: Buffer) => boolean;
  fresh?: boolean;
  thinkMs?: () => number;
}

const get =
  (path: string, close = false) =>
  (socket: Socket): void => {
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: load\r\n${close ? 'Connection: close\r\n' : ''}\r\n`,
    );
  };

const hello = (body: Buffer): boolean => body.toString() === 'hello\n';

const PLAYS: Record<Kind, Play> = {
  thinking: { send: get('/'), right: hello, thinkMs: () => 50 + Math.random() * 100 },
  busy: { send: get('/'), right: hello },
  fresh: { send: get('/', true), right: hello, fresh: true },
  slow: { send: get('/slow?ms=800'), right: (body) => body.toString() === 'slow\n' },
  streams: {
    send: get(`/stream?events=${EVENTS}`),
    right: (body) => body.toString().split('\n\n').length === EVENTS + 1,
  },
  uploads: {
    send: (socket) => void upload(socket),
    right: (body) => Number(body.toString()) === UPLOAD_PARTS * UPLOAD_PART.length,
  },
};

async function upload(socket: Socket): Promise<void> {
  socket.write(
    `POST /upload HTTP/1.1\r\nHost: load\r\nContent-Length: ${UPLOAD_PARTS * UPLOAD_PART.length}\r\n\r\n`,
  );
  for (let i = 0; i < UPLOAD_PARTS && socket.writable; i += 1) {
    await sleep(100);
    socket.write(UPLOAD_PART);
  }
}

export type Accounts = Record<Kind, Account>;

/** Begins a load; `stop` lets every client finish what it has sent, and returns the accounts. */
export function startLoad(
  target: Target,
  mix: Mix,
): { accounts: Accounts; stop: () => Promise<Accounts> } {
  const accounts = Object.fromEntries(
    Object.keys(mix).map((kind) => [kind, newAccount()]),
  ) as Accounts;
  let running = true;
  const clients = Object.entries(mix).flatMap(([kind, count]) =>
    Array.from({ length: count as number }, () =>
      loop(target, PLAYS[kind as Kind], accounts[kind as Kind], () => running),
    ),
  );
  return {
    accounts,
    stop: async () => {
      running = false;
      await Promise.all(clients);
      return accounts;
    },
  };
}

async function loop(
  target: Target,
  play: Play,
  account: Account,
  running: () => boolean,
): Promise<void> {
  const client = new Client(target);
  await sleep(Math.random() * 100);
  while (running()) {
    account.requests += 1;
    const outcome = await client.request(play.send);
    note(account, play, outcome);
    if (play.fresh) client.close();
    // A server that is down would otherwise be asked in a tight loop, and fill the account.
    if (outcome.kind !== 'answered') await sleep(20);
    if (play.thinkMs) await sleep(play.thinkMs());
  }
  client.close();
}

function note(account: Account, play: Play, outcome: Outcome): void {
  account.longestMs = Math.max(account.longestMs, outcome.ms);
  if (outcome.kind !== 'answered') {
    account[outcome.kind] += 1;
    if (account.losses.length < 20) account.losses.push(JSON.stringify(outcome));
    account.errors[outcome.error] = (account.errors[outcome.error] ?? 0) + 1;
    return;
  }
  account.longestConnectMs = Math.max(account.longestConnectMs, outcome.connectMs);
  const { status, body } = outcome.response;
  if (status === 503) account.refused += 1;
  else if (status !== 200 || !play.right(body)) {
    account.wrong += 1;
    account.losses.push(`${status} ${body.toString().slice(0, 200)}`);
  } else account.answered += 1;
}

const newAccount = (): Account => ({
  requests: 0,
  answered: 0,
  refused: 0,
  unconnected: 0,
  dropped: 0,
  wrong: 0,
  errors: {},
  losses: [],
  longestMs: 0,
  longestConnectMs: 0,
});

/** One line of all kinds together. */
export function total(accounts: Accounts): Account {
  const sum = newAccount();
  for (const [kind, account] of Object.entries(accounts)) {
    for (const key of [
      'requests',
      'answered',
      'refused',
      'unconnected',
      'dropped',
      'wrong',
    ] as const)
      sum[key] += account[key];
    for (const [error, count] of Object.entries(account.errors))
      sum.errors[error] = (sum.errors[error] ?? 0) + count;
    sum.losses.push(...account.losses.map((loss) => `${kind}: ${loss}`));
    sum.longestMs = Math.max(sum.longestMs, account.longestMs);
    sum.longestConnectMs = Math.max(sum.longestConnectMs, account.longestConnectMs);
  }
  return sum;
}
