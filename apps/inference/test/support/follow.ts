import { setTimeout as sleep } from 'node:timers/promises';
import { eventsOf, post, type StreamEvent } from './client.ts';

/** A stream as a client sees it that only does what it is promised: reconnect by number. */
export interface Followed {
  readonly events: StreamEvent[];
  readonly text: string;
  /** Connections after the first. */
  readonly reconnects: number;
  /** The longest time between two events, in milliseconds. */
  readonly gapMs: number;
}

export interface Follower {
  readonly events: readonly StreamEvent[];
  /** Resolves when so many events have come. */
  at(count: number): Promise<void>;
  readonly end: Promise<Followed>;
}

const final = /^response\.(completed|incomplete|failed)$/;

/** Starts a stream and reads it to its final event; `url` is asked again for each connection. */
export function follow(url: () => string, body: object): Follower {
  const events: StreamEvent[] = [];
  const waiters: { count: number; resolve: () => void }[] = [];
  let [id, reconnects, gapMs, lastMs] = ['', 0, 0, performance.now()];

  async function connect(): Promise<Response> {
    const last = events.at(-1)?.sequence_number;
    if (id === '') return post(`${url()}/v1/responses`, { ...body, stream: true });
    const after = last === undefined ? '' : `&starting_after=${last}`;
    return fetch(`${url()}/v1/responses/${id}?stream=true${after}`);
  }
  async function read(): Promise<boolean> {
    const response = await connect();
    if (!response.ok) throw new Error(`answered ${response.status}: ${await response.text()}`);
    for await (const event of eventsOf(response)) {
      if (event.type === 'error') return false;
      const expected = events.length;
      if (event.sequence_number !== expected)
        throw Object.assign(new Error(`got event ${event.sequence_number}, not ${expected}`), {
          wrong: true,
        });
      id ||= event.response?.id ?? '';
      const nowMs = performance.now();
      if (events.length > 0) gapMs = Math.max(gapMs, nowMs - lastMs);
      lastMs = nowMs;
      events.push(event);
      for (const { count, resolve } of waiters) if (events.length >= count) resolve();
      if (final.test(event.type)) return true;
    }
    return false;
  }
  async function run(): Promise<Followed> {
    for (;;) {
      try {
        if (await read()) break;
      } catch (error) {
        // What never began cannot be resumed, and a wrong number is what this looks for.
        if (id === '' || (error as { wrong?: true }).wrong) throw error;
        await sleep(20);
      }
      reconnects += 1;
    }
    const text = events.map(({ delta }) => delta ?? '').join('');
    return { events, text, reconnects, gapMs };
  }
  const end = run();
  end.catch(() => undefined);
  return {
    events,
    end,
    at: (count) =>
      events.length >= count
        ? Promise.resolve()
        : Promise.race([
            new Promise<void>((resolve) => waiters.push({ count, resolve })),
            end.then(() => undefined),
          ]),
  };
}
