// A worker whose streams say with each event who wrote it.
import { createLifecycle } from 'lastcall';
import { openHandover } from '@lastcall/handover';

const lifecycle = createLifecycle({ graceMs: 20_000, leaveMaxMs: 50 });
const handover = await openHandover({
  connectionString: process.env.DATABASE_URL ?? '',
  lifecycle,
  node: 'bench',
});
handover.handle<{ everyMs: number }, true>(
  'stream',
  async (job) => {
    while (!job.signal.aborted) {
      if (job.leaving.aborted) return job.passOn(true);
      await job.emit('by', process.pid);
      await new Promise((resolve) => setTimeout(resolve, job.input.everyMs));
    }
    return undefined;
  },
  { concurrency: 500 },
);
lifecycle.handleSignals();
lifecycle.ready();
process.send?.('ready');
