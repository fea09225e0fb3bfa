import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account.ts';
import type { Node } from './node.ts';
import { type Ask, type Oracle, randomAsk } from './oracle.ts';
import type { Random } from './random.ts';

interface Seen {
  readonly type: string;
  readonly sequence_number: number;
  readonly delta?: string;
  readonly response?: { readonly id: string; readonly status: string };
}

export interface Load {
  readonly nodes: readonly Node[];
  readonly account: Account;
  readonly oracle: Oracle;
  readonly random: Random;
  /** Aborts when nothing new is begun. */
  readonly enough: AbortSignal;
  /** Aborts when what is still owed will not come. */
  readonly late: AbortSignal;
}

const json = { 'content-type': 'application/json' };

async function* eventsOf(response: Response): AsyncGenerator<Seen> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const data = text
        .slice(0, end)
        .split('\n')
        .find((line) => line.startsWith('data: '));
      text = text.slice(end + 2);
      if (data) yield JSON.parse(data.slice(6)) as Seen;
    }
  }
}

/** One client that reads one stream after the other. */
export async function streamClient(load: Load): Promise<void> {
  while (!load.enough.aborted) {
    const ask = randomAsk(load.random, 40, 200);
    await oneStream(load, ask, load.random.next() < 0.5);
    await sleep(load.random.whole(0, 200));
  }
}

async function oneStream(load: Load, ask: Ask, background: boolean): Promise<void> {
  const { account, nodes, random } = load;
  const stream = { id: '', next: 0, text: '', final: '', lastMs: 0, gapMs: 0 };

  /** Takes what comes; a number that is not the next one breaks the promise. */
  async function read(response: Response): Promise<void> {
    for await (const event of eventsOf(response)) {
      if (event.type === 'error') return;
      if (event.sequence_number !== stream.next)
        account.violation(
          `stream ${stream.id}: event ${event.sequence_number} came, ${stream.next} was next`,
        );
      const nowMs = performance.now();
      if (stream.next > 0) stream.gapMs = Math.max(stream.gapMs, nowMs - stream.lastMs);
      stream.lastMs = nowMs;
      stream.next = event.sequence_number + 1;
      stream.id ||= event.response?.id ?? '';
      stream.text += event.delta ?? '';
      account.count('stream events received');
      if (/^response\.(completed|incomplete|failed)$/.test(event.type)) {
        stream.final = event.response?.status ?? event.type;
        return;
      }
    }
  }

  try {
    const response = await fetch(`${random.pick(nodes).url}/v1/responses`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ ...ask, stream: true, background }),
      signal: load.late,
    });
    if (response.status === 500) account.violation(`POST answered 500: ${await response.text()}`);
    if (!response.ok) return account.count('streams refused');
    await read(response);
  } catch {
    // Broken off: it is read on below, if it has begun.
  }
  if (stream.id === '') return account.count('streams broken before their first event');
  account.count('streams begun');
  while (stream.final === '' && !load.late.aborted) {
    account.count('streams read on by number');
    try {
      const url = `${random.pick(nodes).url}/v1/responses/${stream.id}?stream=true&starting_after=${stream.next - 1}`;
      const response = await fetch(url, { signal: load.late });
      if (response.ok) await read(response);
      else if (response.status !== 503)
        account.violation(`${url} answered ${response.status}: ${await response.text()}`);
    } catch {
      // Tried again at another node.
    }
    if (stream.final === '') await sleep(50);
  }
  account.gapsMs.push(stream.gapMs);
  if (stream.final !== 'incomplete')
    account.violation(`stream ${stream.id} ended as '${stream.final}' after ${stream.next} events`);
  else if (stream.text !== (await load.oracle.text(ask)))
    account.violation(`stream ${stream.id}: its text is not that of the uninterrupted run`);
  else account.count('streams complete');
}
