import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing } from '@lastcall/handover';
import type { Lifecycle } from 'lastcall';

const pauseMs = 200;
const slowMs = 600_000;

/** A statement that goes through a whole table, and is given more time than a silent connection. */
export const patient = (text: string): { text: string; query_timeout: number } => ({
  text,
  query_timeout: slowMs,
});

/** Does what the start needs of a database that may go away meanwhile: again, until it is done or the service ends. */
export async function patiently<T>(lifecycle: Lifecycle, step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (lifecycle.currentStop?.exit || !isPassing(error)) throw error;
      await sleep(pauseMs);
    }
  }
}

/** Waits out a drain that an operator may undo. Returns false when the service is going to end. */
export async function undrained(lifecycle: Lifecycle): Promise<boolean> {
  while (lifecycle.currentStop) {
    if (lifecycle.currentStop.exit) return false;
    await Promise.race([lifecycle.when('starting'), lifecycle.stopped]);
  }
  return true;
}
