import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Console, type Snapshot, type Source, type Stop } from '../src/index.ts';

const WORKERS = 50;
export const LEASES = 10_000;

interface CrowdFigures {
  inFlight: number;
  ageSeconds: number;
}

/** A node larger than fits on the machine of a test or a bench: 50 workers with 10,000 pieces of work, as its page sees it. */
export class Crowd implements Source {
  state = 'ready';
  /** What a look at the node waits for; it can be kept waiting, or fail. */
  look = (): Promise<void> => Promise.resolve();
  kept: Stop[] = [];
  readonly acts: string[] = [];
  #looks = 0;
  /** The figures that change while the node is looked at: as here, the same in every run, or otherwise. */
  figures = (looks: number): CrowdFigures => ({ inFlight: LEASES - looks, ageSeconds: looks });

  async snapshot(): Promise<Snapshot> {
    await this.look();
    this.#looks += 1;
    const draining = this.state !== 'ready';
    const { inFlight, ageSeconds } = this.figures(this.#looks);
    return {
      state: this.state,
      generation: 2,
      workersWanted: WORKERS,
      workers: Array.from({ length: WORKERS }, (_, i) => ({
        name: `w${i}`,
        pid: 1_000 + i,
        generation: 1 + (i % 2),
        phase: i % 2 === 0 ? 'retiring' : 'serving',
        reason: i % 2 === 0 ? 'reload' : null,
        age_seconds: ageSeconds,
        in_flight: Math.round(inFlight / WORKERS),
        rss_bytes: 90e6,
      })),
      inFlight,
      inFlightByKind: { request: inFlight },
      moves: { moved: 0, on_their_way: 0, stayed: {} },
      work: Array.from({ length: 100 }, (_, i) => ({
        worker: `w${i % WORKERS}`,
        kind: 'request',
        label: `/route/${i % 7}`,
        ageMs: 1_000 * ageSeconds - i,
        p50Ms: 1_000 + i,
        p90Ms: 3_000 + i,
      })),
      estimate: { p50Ms: 4_000, p90Ms: 6_000, p99Ms: 9_000 },
      deadlineInMs: draining ? 20_000 : null,
      outcomes: { completed: this.#looks, lost: 0 },
      refused: 0,
      lateArrivals: 0,
      doing: null,
    };
  }

  stops(): readonly Stop[] {
    return this.kept;
  }

  async act(action: string, workers?: number): Promise<string> {
    this.acts.push(workers === undefined ? action : `${action} ${workers}`);
    return 'Done.';
  }

  isOperator(): boolean {
    return true;
  }

  /** Serves the page of this node. */
  async serve(): Promise<AsyncDisposable & { url: string }> {
    const page = new Console(this);
    const server = createServer((request, response) => {
      if (!page.handle(request, response)) response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/console`,
      async [Symbol.asyncDispose]() {
        page.close();
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
      },
    };
  }
}

/** The record of the stop with this number. */
export function stopOf(number: number): Stop {
  return {
    version: 1,
    name: 'service',
    pid: number,
    worker: `w${number}`,
    generation: 1,
    reason: 'reload',
    result: 'stopped',
    startedAt: new Date(1_790_000_000_000 + number * 60_000).toISOString(),
    durationMs: 3_000,
    graceMs: 25_000,
    phases: [{ state: 'draining', atMs: 0, durationMs: 3_000 }],
    inFlightAtStart: 1,
    inFlightByKind: { request: 1 },
    outcomes: {
      completed: 1,
      failed: 0,
      cancelled: 0,
      handed_over: 0,
      moved: 0,
      expired: 0,
      lost: 0,
    },
    refused: 0,
    lateArrivals: 0,
    estimate: { p50Ms: null, p90Ms: null, p99Ms: null, factMs: 3_000 },
    exitCode: 0,
    failure: null,
  };
}
