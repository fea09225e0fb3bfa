// A worker process: counts slowly, one event a step, from wherever it is given. Told over IPC.
import { createLifecycle } from 'lastcall';
import { openHandover } from '@lastcall/handover';

const lifecycle = createLifecycle({ graceMs: 20_000, forceMs: 2_000, leaveMaxMs: 50 });
const handover = await openHandover({
  connectionString: process.env.DATABASE_URL ?? '',
  lifecycle,
  node: process.env.NODE_NAME ?? 'node',
  ...(process.env.LEASE_MS ? { leaseMs: Number(process.env.LEASE_MS) } : {}),
  say: (line) => process.send?.({ said: line }),
});

/** A text that depends on every step before it, so that a lost or repeated step shows. */
const mix = (state: number, n: number): number => (state * 31 + n) % 1_000_003;

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

interface Count {
  to: number;
  everyMs: number;
  saveEvery: number;
  /** The first run goes no further than this event until its worker goes. */
  holdAt?: number;
}
interface State {
  n: number;
  mixed: number;
}

handover.handle<Count, State>(
  'count',
  async (job) => {
    const { to, everyMs, saveEvery, holdAt } = job.input;
    const isFirst = job.seq === 0 && !job.repeating;
    let { n, mixed } = job.checkpoint ?? { n: 0, mixed: 1 };
    while (n < to) {
      if (isFirst && n === holdAt) await aborted(AbortSignal.any([job.leaving, job.signal]));
      job.signal.throwIfAborted();
      if (job.leaving.aborted) return job.passOn({ n, mixed });
      n += 1;
      mixed = mix(mixed, n);
      await job.emit('n', { n, mixed });
      if (n % saveEvery === 0) await job.save({ n, mixed });
      if (everyMs > 0 && !job.repeating)
        await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    await job.effect('done', 'bell', { mixed });
    return { mixed, by: process.pid };
  },
  { deterministic: true, leaseKind: 'stream', concurrency: 500 },
);
handover.handle('stubborn', async (job) => {
  await job.emit('began', process.pid);
  if (job.attempts + job.losses > 0 || job.checkpoint) return 'done';
  await job.save({ began: true });
  return new Promise(() => setInterval(() => undefined, 1_000));
});
handover.handle('stuck', async (job) => {
  await job.save({ at: 'the same place' });
  await job.emit('began', process.pid);
  return new Promise(() => setInterval(() => undefined, 1_000));
});
lifecycle.handleSignals();
lifecycle.ready();
process.send?.({ ready: handover.worker });
