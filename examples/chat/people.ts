// node examples/chat/people.ts [--people 1000] [--reloads 3] [--port 8080]
// Brings people to the chat, lets them talk while it is reloaded, and checks what each of them heard.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { WebSocket } from 'ws';

const ARRIVE_TOGETHER = 50;
/** Somebody says something. */
const EVERY_MS = 100;
const BETWEEN_MS = 1_000;
const HEAR_MS = 30_000;

export interface Visit {
  port: number;
  people: number;
  reloads: number;
  /** Reloads the chat, and resolves when the old workers have been told to go. */
  reload: () => Promise<unknown>;
}

export interface Account {
  disconnected: number;
  said: number;
  /** Over all people: what they should have heard and did not, and what came to them twice or late. */
  missing: number;
  repeated: number;
}

class Guest {
  readonly name: string;
  readonly socket: WebSocket;
  /** Messages by number, and how often they came. */
  readonly heard = new Map<number, number>();
  readonly texts = new Set<string>();
  last = -1;
  outOfOrder = 0;
  disconnected = false;
  #leaves = false;

  constructor(name: string, port: number) {
    this.name = name;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/?name=${name}`, {
      perMessageDeflate: false,
    });
    this.socket.on('error', () => {});
    this.socket.once('close', () => (this.disconnected = !this.#leaves));
    this.socket.on('message', (data) => this.#hear((data as Buffer).toString()));
  }

  leave(): void {
    this.#leaves = true;
    this.socket.terminate();
  }

  #hear(text: string): void {
    const { number, text: said } = JSON.parse(text) as { number?: number; text?: string };
    if (number === undefined || said === undefined) return;
    this.heard.set(number, (this.heard.get(number) ?? 0) + 1);
    this.texts.add(said);
    if (number <= this.last) this.outOfOrder += 1;
    this.last = number;
  }
}

export async function visit({ port, people, reloads, reload }: Visit): Promise<Account> {
  const guests: Guest[] = [];
  const said: string[] = [];
  const talk = setInterval(() => {
    const guest = guests[said.length % Math.max(1, guests.length)];
    if (guests.length < people || !guest) return;
    const text = `${guest.name} says ${said.length}`;
    said.push(text);
    guest.socket.send(text);
  }, EVERY_MS);
  try {
    while (guests.length < people) {
      const size = Math.min(ARRIVE_TOGETHER, people - guests.length);
      const group = Array.from(
        { length: size },
        (_, i) => new Guest(`p${guests.length + i}`, port),
      );
      // The first message is the welcome: from there on they hear everything.
      await Promise.all(group.map(({ socket }) => once(socket, 'message')));
      guests.push(...group);
    }
    for (let i = 0; i < reloads; i += 1) {
      await sleep(BETWEEN_MS);
      await reload();
    }
    await sleep(BETWEEN_MS);
    clearInterval(talk);
    const untilMs = performance.now() + HEAR_MS;
    const deaf = (): boolean =>
      guests.some(({ disconnected, texts }) => !disconnected && texts.size < said.length);
    while (deaf() && performance.now() < untilMs) await sleep(20);
    return accountOf(guests, said);
  } finally {
    clearInterval(talk);
    for (const guest of guests) guest.leave();
  }
}

function accountOf(guests: Guest[], said: string[]): Account {
  const account: Account = { disconnected: 0, said: said.length, missing: 0, repeated: 0 };
  for (const { disconnected, heard, texts, outOfOrder } of guests) {
    if (disconnected) account.disconnected += 1;
    account.missing += said.filter((text) => !texts.has(text)).length;
    for (const times of heard.values()) account.repeated += times - 1;
    account.repeated += outOfOrder;
  }
  return account;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      people: { type: 'string', default: '1000' },
      reloads: { type: 'string', default: '3' },
      port: { type: 'string', default: '8080' },
    },
  });
  const people = Number(values.people);
  const run = promisify(execFile);
  const account = await visit({
    port: Number(values.port),
    people,
    reloads: Number(values.reloads),
    reload: async () => {
      await run('npx', ['lastcall', 'reload']);
      console.log('reloaded');
    },
  });
  const { disconnected, said, missing, repeated } = account;
  console.log(
    `${people} people, ${said} messages, ${people * said} to hear: ${disconnected} people disconnected, ${missing} messages not heard, ${repeated} heard twice or out of order`,
  );
  process.exitCode = disconnected + missing + repeated === 0 ? 0 : 1;
}
