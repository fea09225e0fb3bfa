import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Ask, randomAsk } from './oracle.ts';
import type { Load } from './streams.ts';

interface Message {
  readonly type: string;
  readonly task?: { readonly id: string; readonly status: string; readonly output_text: string };
}

/** A task that the service has acknowledged. */
interface Promised {
  readonly ask: Ask;
  revoked: 'no' | 'yes' | 'perhaps';
  results: number;
}

/** A client that queues tasks and is told of their results by its socket; it repeats no request. */
export class TaskClient {
  readonly name: string;
  readonly promised = new Map<string, Promised>();
  readonly #load: Load;
  readonly #done = new AbortController();
  #waiting: (() => void) | undefined;

  constructor(name: string, load: Load) {
    this.name = name;
    this.#load = load;
  }

  /** Resolves when every result has come, or never will. */
  async run(): Promise<void> {
    const listening = this.#listen();
    const { enough, late, random } = this.#load;
    while (!enough.aborted) {
      await this.#add(randomAsk(random, 5, 60));
      await sleep(random.whole(100, 700));
    }
    while (this.#owed > 0 && !late.aborted)
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    this.#done.abort();
    await listening;
  }

  get #owed(): number {
    return [...this.promised.values()].filter(({ results }) => results === 0).length;
  }

  async #add(ask: Ask): Promise<void> {
    const { account, nodes, random, late } = this.#load;
    const { url } = random.pick(nodes);
    try {
      const response = await fetch(`${url}/v1/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...ask, client: this.name }),
        signal: late,
      });
      const text = await response.text();
      if (response.status === 500) account.violation(`POST /v1/tasks answered 500: ${text}`);
      if (response.status !== 202) return account.count('tasks refused');
      const { id } = JSON.parse(text) as { id: string };
      account.count('tasks acknowledged');
      this.promised.set(id, { ask, revoked: 'no', results: this.#early.delete(id) ? 1 : 0 });
      if (random.next() < 0.05) await this.#revoke(url, id);
    } catch (error) {
      const { cause = error } = error as { cause?: { code?: string } };
      account.count(
        `tasks without an answer: ${(cause as { code?: string }).code ?? String(cause)}`,
      );
    }
  }

  /** Results that came before the answer that acknowledged their task. */
  readonly #early = new Set<string>();

  async #revoke(url: string, id: string): Promise<void> {
    // Without an answer nobody knows: such a task may end either way.
    const promised = this.promised.get(id)!;
    promised.revoked = 'perhaps';
    const response = await fetch(`${url}/v1/tasks/${id}`, { method: 'DELETE' });
    if (response.ok) promised.revoked = 'yes';
    else if (response.status === 409 || response.status === 503) promised.revoked = 'no';
    if (!response.ok) return;
    this.#load.account.count('tasks revoked');
  }

  async #listen(): Promise<void> {
    const { nodes, random, account } = this.#load;
    const { signal } = this.#done;
    while (!signal.aborted) {
      const url = `${random.pick(nodes).url.replace('http', 'ws')}/v1/tasks/socket?client=${this.name}`;
      const socket = new WebSocket(url, { handshakeTimeout: 3_000 });
      socket.on('error', () => undefined);
      socket.on('message', (data: Buffer) =>
        this.#heard(JSON.parse(data.toString()) as Message, socket),
      );
      const stop = (): void => socket.terminate();
      signal.addEventListener('abort', stop, { once: true });
      const code = await new Promise<number>((resolve) => socket.once('close', resolve));
      signal.removeEventListener('abort', stop);
      account.count(code === 1012 ? 'sockets closed with 1012' : 'sockets broken or refused');
      await sleep(100);
    }
  }

  #heard({ type, task }: Message, socket: WebSocket): void {
    if (type !== 'result' || !task) return;
    const { account } = this.#load;
    socket.send(JSON.stringify({ type: 'ack', id: task.id }));
    const promised = this.promised.get(task.id);
    if (!promised) {
      this.#early.add(task.id);
      return;
    }
    promised.results += 1;
    account.count(promised.results === 1 ? 'results delivered' : 'results delivered again');
    if (this.#owed === 0) this.#waiting?.();
  }
}
