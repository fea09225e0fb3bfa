// What went from this process as it retired, said in one line of its output when it ends.
import { writeSync } from 'node:fs';
import type { Lifecycle } from 'lastcall';

/** Returns what is to be called for each connection that goes. */
export function sayWhatLeft(lifecycle: Lifecycle): () => void {
  let [sinceMs, lastMs, count] = [0, 0, 0];
  lifecycle.events.on('state', ({ to }) => {
    if (to !== 'leaving') return;
    sinceMs = performance.now();
    lastMs = sinceMs;
  });
  process.on('exit', () => {
    writeSync(1, `bench: left ${count} in ${(lastMs - sinceMs).toFixed(1)} ms\n`);
  });
  return () => {
    if (sinceMs === 0) return;
    count += 1;
    lastMs = performance.now();
  };
}
