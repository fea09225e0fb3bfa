// `node bench/console.ts`: the console with 50 workers and 10,000 leases, one viewer in Chromium: long
// tasks in the browser, and what the feed costs the process that serves it; then what it costs a real node.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Console, type Snapshot, type Source, type Stop } from '@lastcall/console';
import { browse } from '../packages/console/test/support.ts';
import { feedCosts } from './console/feed.ts';
import { OURS, traceTasks } from './console/trace.ts';

const [WORKERS, LEASES, WATCHED_MS] = [50, 10_000, 20_000];
const began = performance.now();

const STOPS = Array.from({ length: 50 }, (_, i): Stop => ({
  version: 1,
  name: 'service',
  worker: `w${i}`,
  generation: 1,
  pid: i,
  reason: 'reload',
  result: 'stopped',
  startedAt: new Date(Date.now() - i * 60_000).toISOString(),
  durationMs: 9_000,
  graceMs: 25_000,
  phases: ['leaving', 'draining', 'closing'].map((state, k) => ({
    state,
    atMs: k * 3_000,
    durationMs: 3_000,
  })),
  inFlightAtStart: 200,
  inFlightByKind: { request: 200 },
  outcomes: {
    completed: 200,
    failed: 0,
    cancelled: 0,
    handed_over: 0,
    moved: 0,
    expired: 0,
    lost: 0,
  },
  refused: 0,
  lateArrivals: 0,
  estimate: { p50Ms: 4_000, p90Ms: 6_000, p99Ms: 9_000, factMs: 5_000 },
  exitCode: 0,
  failure: null,
}));

const source: Source = {
  async snapshot(): Promise<Snapshot> {
    const wave = Math.round(LEASES * (1 + 0.1 * Math.sin(performance.now() / 3_000)));
    return {
      state: 'draining',
      generation: 2,
      workersWanted: WORKERS,
      workers: Array.from({ length: WORKERS }, (_, i) => ({
        name: `w${i}`,
        pid: 1_000 + i,
        generation: 1 + (i % 2),
        phase: i % 2 === 0 ? 'retiring' : 'serving',
        reason: i % 2 === 0 ? 'reload' : null,
        age_seconds: (performance.now() - began) / 1_000,
        in_flight: Math.round(wave / WORKERS),
        rss_bytes: 90e6,
      })),
      inFlight: wave,
      inFlightByKind: { request: wave },
      moves: { moved: 0, on_their_way: 0, stayed: {} },
      work: Array.from({ length: 100 }, (_, i) => ({
        worker: `w${i % WORKERS}`,
        kind: 'request',
        label: `/route/${i % 7}`,
        ageMs: performance.now() - began - i,
        p50Ms: 1_000 + i,
        p90Ms: 3_000 + i,
      })),
      estimate: { p50Ms: 4_000, p90Ms: 6_000, p99Ms: 9_000 },
      deadlineInMs: 20_000,
      outcomes: { completed: 1_000_000, lost: 0 },
      refused: 12,
      lateArrivals: 3,
      doing: null,
    };
  },
  stops: () => STOPS,
  act: () => Promise.resolve(''),
  isOperator: () => true,
};

const page = new Console(source);
const server = createServer((request, response) => {
  if (!page.handle(request, response)) response.writeHead(404).end();
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const browser = await browse();
if (!browser) throw new Error('there is no Chromium');
const tab = await browser.newPage();
await tab.addInitScript(
  `performance.mark('${OURS}'); globalThis.long = []; new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' })`,
);
// Thread time, besides the wall time of long tasks: on a busy machine a task is long because it waits.
// From before the page is there: its start counts as well.
const trace = await traceTasks(browser);
await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/console`);
const before = process.cpuUsage();
await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
const { user, system } = process.cpuUsage(before);
const tasksMs = await trace.end();
const long = await tab.evaluate<number[]>('long');
console.log({
  cpuPercent: ((user + system) / 1_000 / WATCHED_MS) * 100,
  longTasks: long.length,
  longestMs: Math.max(0, ...long),
  longestCpuMs: Math.max(0, ...tasksMs),
  browserCpuMsPerTick: tasksMs.reduce((sum, ms) => sum + ms, 0) / (WATCHED_MS / 500),
});
await browser.close();
page.close();
server.close();
server.closeAllConnections();
for (const { viewers, supervisor, worker } of await feedCosts())
  console.log({ viewers, supervisorPercent: supervisor * 100, workerPercent: worker * 100 });
