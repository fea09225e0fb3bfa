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
  /** The past stops that the viewers know: the book forgets old ones, so their number tells nothing. */
  #told = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #leftMs = 0;
  #looking = false;
  #latest: Snapshot | undefined;
  #latestMs = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  get isFull(): boolean {
    return this.#viewers.size >= VIEWERS_MAX;
  }

  /** Adds a viewer; `lastEventId` is the last event that it has seen. */
  add(response: ServerResponse, lastEventId: string | undefined, operator: boolean): void {
    const [epoch, seen] = lastEventId?.split('-') ?? [];
    const resumed = epoch === this.#epoch;
    const points = resumed ? this.#points.filter(({ id }) => id > Number(seen)) : this.#points;
    const stops = this.#source.stops().slice(-50);
    response.write('retry: 1000\n\n');
    response.write(this.#event('hello', { operator, resumed, points, stops, everyMs: EVERY_MS }));
    // What was seen long ago would pass for the present.
    if (this.#latest && performance.now() - this.#latestMs < 2 * EVERY_MS)
      response.write(this.#event('tick', this.#latest));
    this.#viewers.add(response);
    response.once('close', () => {
      this.#viewers.delete(response);
      this.#leftMs = performance.now();
    });
    if (!this.#timer) {
      this.#told = new Set(this.#source.stops().map(nameOf));
      this.#timer = setInterval(() => void this.#look(), EVERY_MS).unref();
      void this.#look();
    }
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
    } catch {
      // The node could not be looked at; viewers see that nothing comes, and the next look may do.
    } finally {
      this.#looking = false;
    }
  }

  #note(snapshot: Snapshot): void {
    const { inFlight, state, estimate } = snapshot;
    this.#latest = snapshot;
    this.#latestMs = performance.now();
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
    const stops = this.#source.stops();
    for (const stop of stops)
      if (!this.#told.has(nameOf(stop))) this.#send(this.#event('stop', stop));
    this.#told = new Set(stops.map(nameOf));
  }

  #send(event: string): void {
    for (const viewer of this.#viewers)
      if (viewer.writableLength < BACKLOG_BYTES) viewer.write(event);
  }

  #event(name: string, data: unknown): string {
    return `event: ${name}\nid: ${this.#epoch}-${this.#lastId}\ndata: ${JSON.stringify(data)}\n\n`;
  }
}

const nameOf = ({ pid, startedAt }: Stop): string => `${pid} ${startedAt}`;
