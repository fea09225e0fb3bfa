// A service whose streams are read from the handover: numbered, durable, and moved with their connections.
import http from 'node:http';
import { openHandover } from '@lastcall/handover';
import { createLifecycle } from 'lastcall';
import { attachHttp, leaseOf } from 'lastcall/http';
import { movable, onMoved } from 'lastcall/moving';
import { attachSse, type SseStream } from 'lastcall/sse';
import { sayWhatLeft } from './leaving.ts';
import { nowMs } from './schedule.ts';

const EVERY_MS = 500;
/** Workers are killed here by the hundred, and none of these works is to blame. */
const MAX_LOSSES = 1_000_000;

interface Reading {
  id: string;
  /** The last event that was written to the client. */
  after: number;
}
interface Count {
  n: number;
}

const lifecycle = createLifecycle({ lingerMaxMs: 500 });
const left = sayWhatLeft(lifecycle);
const sse = attachSse(lifecycle, { heartbeatMs: 0 });
const handover = await openHandover({
  connectionString: process.env.DATABASE_URL ?? '',
  lifecycle,
  say: (line) => console.error(line),
});

handover.handle<{ startMs: number }, Count>(
  'count',
  async (job) => {
    let { n } = job.checkpoint ?? { n: 0 };
    for (;;) {
      job.signal.throwIfAborted();
      if (job.leaving.aborted) return job.passOn({ n });
      n += 1;
      await job.emit('n', n);
      if (n % 20 === 0) await job.save({ n });
      const dueMs = job.input.startMs + n * EVERY_MS;
      if (!job.repeating) await pause(Math.max(0, dueMs - nowMs()), job.leaving);
    }
  },
  { deterministic: true, concurrency: 10_000 },
);

/** Ends early when the job is to be passed on. */
function pause(ms: number, leaving: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      leaving.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    leaving.addEventListener('abort', end);
  });
}

onMoved<Reading>('work', ({ request, response, lease, state }) =>
  tell(sse.open(request, response), response, state, lease.signal),
);

const server = attachHttp(
  lifecycle,
  http.createServer((request, response) => void begin(request, response)),
);

async function begin(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const id = request.url?.split('/').at(-1) ?? '';
  const after = Number(request.headers['last-event-id'] ?? 0);
  try {
    await handover.add('count', { startMs: nowMs() }, { id, maxLosses: MAX_LOSSES });
    await tell(sse.open(request, response), response, { id, after }, leaseOf(request)?.signal);
  } catch (error) {
    console.error(String(error));
    response.destroy();
  }
}

async function tell(
  stream: SseStream,
  response: http.ServerResponse,
  reading: Reading,
  signal: AbortSignal | undefined,
): Promise<void> {
  movable(response, { kind: 'work', freeze: () => reading });
  response.once('close', left);
  const events = await handover.read(reading.id, {
    after: reading.after,
    ...(signal && { signal }),
  });
  for await (const { seq, data } of events) {
    if (stream.ended) break;
    reading.after = seq;
    void stream.send({ id: seq, data: `${String(data)} ${process.pid}` });
  }
  // A work that ends here has failed: its client must not wait in silence.
  stream.end();
}

lifecycle.handleSignals();
server.listen({ port: Number(process.env.PORT), backlog: 4_096 }, () => lifecycle.ready());
