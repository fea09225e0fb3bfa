import type { ServerResponse } from 'node:http';
import type { Snapshot, Source, Stop } from './source.ts';

const EVERY_MS = 500;
/** Ten minutes of the curve. */
const POINTS = 1_200;
/** How long the node is still looked at when nobody watches, so that a viewer cut off misses nothing. */
const LINGER_MS = 60_000;
const VIEWERS_MAX = 256;
/** A viewer that has this much unread is left out until it has read; then it is told what it missed. */
const BACKLOG_BYTES = 1 << 20;
/** Past stops that a viewer is told of. */
const STOPS = 50;

interface Viewer {
  readonly operator: boolean;
  /** The last point that it was sent before it was left out; undefined while it keeps up. */
  keptUpTo: number | undefined;
}

/** One point of the curve. */
interface Point {
  id: number;
  /** By a clock that nobody sets: the points stand in the order, and at the distance, in which they were seen. */
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
  readonly #viewers = new Map<ServerResponse, Viewer>();
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
    response.write('retry: 1000\n\n');
    this.#greet(response, operator, epoch === this.#epoch ? Number(seen) : undefined);
    this.#viewers.set(response, { operator, keptUpTo: undefined });
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
    for (const response of this.#viewers.keys()) response.end();
    // A look that is under way tells nobody any more: a write after the end would be an error.
    this.#viewers.clear();
  }

  /** Tells a viewer what came after the point that it has seen last; all, when it has seen none of these. */
  #greet(response: ServerResponse, operator: boolean, seen: number | undefined): void {
    const resumed = seen !== undefined;
    const points = resumed ? this.#points.filter(({ id }) => id > seen) : this.#points;
    const stops = this.#source.stops().slice(-STOPS);
    response.write(this.#event('hello', { operator, resumed, points, stops, everyMs: EVERY_MS }));
    // What was seen long ago would pass for the present.
    if (this.#latest && performance.now() - this.#latestMs < 2 * EVERY_MS)
      response.write(this.#event('tick', this.#latest));
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
      atMs: Math.round(performance.timeOrigin + performance.now()),
      inFlight,
      state,
      p50Ms: estimate.p50Ms,
      p99Ms: estimate.p99Ms,
    });
    if (this.#points.length > POINTS) this.#points.shift();
    const stops = this.#source.stops();
    const news = [
      this.#event('tick', { ...snapshot, point: this.#points.at(-1) }),
      ...stops
        .filter((stop) => !this.#told.has(nameOf(stop)))
        .map((stop) => this.#event('stop', stop)),
    ].join('');
    this.#told = new Set(stops.map(nameOf));
    for (const [response, viewer] of this.#viewers) this.#tell(response, viewer, news);
  }

  #tell(response: ServerResponse, viewer: Viewer, news: string): void {
    if (viewer.keptUpTo === undefined) {
      if (response.writableLength < BACKLOG_BYTES) response.write(news);
      else viewer.keptUpTo = this.#lastId - 1;
    } else if (response.writableLength === 0) {
      this.#greet(response, viewer.operator, viewer.keptUpTo);
      viewer.keptUpTo = undefined;
    }
  }

  #event(name: string, data: unknown): string {
    return `event: ${name}\nid: ${this.#epoch}-${this.#lastId}\ndata: ${JSON.stringify(data)}\n\n`;
  }
}

const nameOf = ({ pid, startedAt }: Stop): string => `${pid} ${startedAt}`;
