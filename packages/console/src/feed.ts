import type { ServerResponse } from 'node:http';
import type { Snapshot, Source, Stop } from './source.ts';

const EVERY_MS = 500;
/** Ten minutes of the curve. */
const POINTS = 1_200;
/** How long the node is still looked at when nobody watches, so that a viewer cut off misses nothing. */
const LINGER_MS = 60_000;
const VIEWERS_MAX = 256;
/** A viewer that has this much unread is left out until it has read. */
const BACKLOG_BYTES = 1 << 20;

/** One point of the curve. */
interface Point {
  id: number;
  atMs: number;
  inFlight: number;
  state: string;
  p50Ms: number | null;
  p99Ms: number | null;
}

/** Looks at the node for all viewers together, and sends them what it sees. */
export class Feed {
  readonly #source: Source;
  /** Tells the numbers of this supervisor from those of one before it. */
  readonly #epoch = `${process.pid}.${Date.now()}`;
  readonly #viewers = new Set<ServerResponse>();
  readonly #points: Point[] = [];
  #lastId = 0;
  #stopsSent = 0;
  #timer: NodeJS.Timeout | undefined;
  #leftMs = 0;
  #looking = false;
  #latest: Snapshot | undefined;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Adds a viewer; `lastEventId` is the last event that it has seen. False when there are too many. */
  add(response: ServerResponse, lastEventId: string | undefined, operator: boolean): boolean {
    if (this.#viewers.size >= VIEWERS_MAX) return false;
    const [epoch, seen] = lastEventId?.split('-') ?? [];
    const resumed = epoch === this.#epoch;
    const points = resumed ? this.#points.filter(({ id }) => id > Number(seen)) : this.#points;
    const stops = this.#source.stops().slice(-50);
    response.write('retry: 1000\n\n');
    response.write(this.#event('hello', { operator, resumed, points, stops, everyMs: EVERY_MS }));
    if (this.#latest) response.write(this.#event('tick', this.#latest));
    this.#viewers.add(response);
    response.once('close', () => {
      this.#viewers.delete(response);
      this.#leftMs = performance.now();
    });
    if (!this.#timer) {
      this.#stopsSent = this.#source.stops().length;
      this.#timer = setInterval(() => void this.#look(), EVERY_MS).unref();
      void this.#look();
    }
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const viewer of this.#viewers) viewer.end();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    if (this.#viewers.size === 0 && performance.now() - this.#leftMs > LINGER_MS) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#looking = true;
    try {
      this.#note(await this.#source.snapshot(this.#viewers.size > 0));
    } finally {
      this.#looking = false;
    }
  }

  #note(snapshot: Snapshot): void {
    const { inFlight, state, estimate } = snapshot;
    this.#latest = snapshot;
    this.#lastId += 1;
    this.#points.push({
      id: this.#lastId,
      atMs: Date.now(),
      inFlight,
      state,
      p50Ms: estimate.p50Ms,
      p99Ms: estimate.p99Ms,
    });
    if (this.#points.length > POINTS) this.#points.shift();
    this.#send(this.#event('tick', { ...snapshot, point: this.#points.at(-1) }));
    const stops: readonly Stop[] = this.#source.stops();
    // The book forgets old stops: then its length no longer tells, and the page is told them all.
    const news = stops.length >= this.#stopsSent ? stops.slice(this.#stopsSent) : stops;
    for (const stop of news) this.#send(this.#event('stop', stop));
    this.#stopsSent = stops.length;
  }

  #send(event: string): void {
    for (const viewer of this.#viewers)
      if (viewer.writableLength < BACKLOG_BYTES) viewer.write(event);
  }

  #event(name: string, data: unknown): string {
    return `event: ${name}\nid: ${this.#epoch}-${this.#lastId}\ndata: ${JSON.stringify(data)}\n\n`;
  }
}
