// `node bench/console.ts`: the console with 50 workers and 10,000 leases, one viewer in Chromium: long
// tasks in the browser, and what the feed costs the process that serves it; then what it costs a real node.
import { Crowd, LEASES, stopOf } from '../packages/console/test/crowd.ts';
import { browse } from '../packages/console/test/support.ts';
import { feedCosts } from './console/feed.ts';
import { OURS, traceTasks } from './console/trace.ts';

const WATCHED_MS = 20_000;
const began = performance.now();

const crowd = new Crowd();
crowd.state = 'draining';
crowd.kept = Array.from({ length: 50 }, (_, i) => stopOf(i));
// Up and down in waves, in real time, as the figures of a busy node are.
crowd.figures = () => {
  const nowMs = performance.now();
  return {
    inFlight: Math.round(LEASES * (1 + 0.1 * Math.sin(nowMs / 3_000))),
    ageSeconds: (nowMs - began) / 1_000,
  };
};
const served = await crowd.serve();
const browser = await browse();
if (!browser) throw new Error('there is no Chromium');
const tab = await browser.newPage();
await tab.addInitScript(
  `performance.mark('${OURS}'); globalThis.long = []; new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' })`,
);
// Thread time, besides the wall time of long tasks: on a busy machine a task is long because it waits.
// From before the page is there: its start counts as well.
const trace = await traceTasks(browser);
await tab.goto(served.url);
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
await served[Symbol.asyncDispose]();
for (const { viewers, supervisor, worker } of await feedCosts())
  console.log({ viewers, supervisorPercent: supervisor * 100, workerPercent: worker * 100 });
