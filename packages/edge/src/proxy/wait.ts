import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

/** Asks until `done` says true; false when that takes longer than `withinMs`. Other processes tell nothing by event. */
export async function until(
  done: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (;;) {
    if (await done()) return true;
    if (performance.now() >= end) return false;
    await sleep(POLL_MS);
  }
}
