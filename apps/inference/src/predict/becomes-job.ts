import type { Lease, Lifecycle } from 'lastcall';

/**
 * Resolves when a synchronous call should be answered with the place of its result instead: a stop is
 * under way, and what such calls have taken before says that this one will not have ended at its
 * deadline. Where nothing is known yet, `lastMoments` decides. Rejects never; ends with `over`.
 */
export function becomesJob(
  lifecycle: Lifecycle,
  lease: Lease,
  lastMoments: AbortSignal,
  over: AbortSignal,
): Promise<'job'> {
  return new Promise((resolve) => {
    const job = (): void => resolve('job');
    const look = (): void => {
      const { deadlineMs } = lifecycle.currentStop ?? {};
      const neededMs = lifecycle.remainingMs(lease);
      if (deadlineMs === undefined || neededMs === null) return;
      if (performance.now() + neededMs > deadlineMs) job();
    };
    // Its client may have gone while the work was being added.
    if (lastMoments.aborted || lease.signal.aborted) job();
    lastMoments.addEventListener('abort', job, { once: true, signal: over });
    lease.signal.addEventListener('abort', job, { once: true, signal: over });
    lifecycle.events.on('state', look);
    over.addEventListener('abort', () => lifecycle.events.off('state', look), { once: true });
    look();
  });
}
