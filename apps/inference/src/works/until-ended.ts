import { setTimeout as sleep } from 'node:timers/promises';
import { type Handover, HandoverError, type Work } from '@lastcall/handover';
import { isDatabaseAway } from '../http/errors.ts';

const againMs = 200;

/**
 * Resolves when the work has ended, in whichever worker; to `undefined` when the signal comes first
 * or this worker closes. A database that is away is waited for.
 */
export async function untilEnded(
  handover: Handover,
  id: string,
  signal: AbortSignal,
): Promise<Work | undefined> {
  while (!signal.aborted) {
    try {
      const work = await handover.get(id);
      if (work.endedAt) return work;
      const events = await handover.read(id, { after: work.lastSeq, signal });
      for await (const _event of events) {
        // Only its end matters.
      }
    } catch (error) {
      if (error instanceof HandoverError && error.code === 'ERR_HANDOVER_CLOSED') return undefined;
      if (!isDatabaseAway(error)) throw error;
      await sleep(againMs, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}
