import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing } from '@lastcall/handover';
import type { Lifecycle } from 'lastcall';

const pauseMs = 200;

/** Does what the start needs of a database that may go away meanwhile: again, until it is done or the service stops. */
export async function patiently<T>(lifecycle: Lifecycle, step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (lifecycle.currentStop || !isPassing(error)) throw error;
      await sleep(pauseMs);
    }
  }
}
