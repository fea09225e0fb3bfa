// A service in a supervised node: works that count, and their events as server-sent events.
import { once } from 'node:events';
import http from 'node:http';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { attachSse } from 'lastcall/sse';
import { openHandover, serveStreams } from '@lastcall/handover';

const lifecycle = createLifecycle({ lingerMaxMs: 300 });
const handover = await openHandover({
  connectionString: process.env.DATABASE_URL ?? '',
  lifecycle,
});
const streams = serveStreams(handover, attachSse(lifecycle, { heartbeatMs: 0 }));
const never = new Promise<void>(() => undefined);
const moved = new Promise<void>((resolve) => handover.listen('moved', () => resolve()));

handover.handle<{ to: number }, number>(
  'count',
  async (job) => {
    const isFirst = job.checkpoint === undefined;
    for (let n = (job.checkpoint ?? 0) + 1; n <= job.input.to; n += 1) {
      // However long a reload takes, the streams are not over before it, nor before all have moved.
      const goOn = isFirst && n === 100 ? never : n === 200 ? moved : undefined;
      if (goOn && !job.leaving.aborted) await Promise.race([goOn, once(job.leaving, 'abort')]);
      if (job.leaving.aborted) return job.passOn(n - 1);
      await job.emit('n', process.pid);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return 'done';
  },
  { concurrency: 100, deterministic: true },
);

const server = attachHttp(
  lifecycle,
  http.createServer((request, response) => {
    const to = Number(request.url?.split('=')[1]);
    void handover.add('count', { to }).then((id) => streams.open(request, response, id));
  }),
);
lifecycle.handleSignals();
server.listen(Number(process.env.PORT), () => lifecycle.ready());
