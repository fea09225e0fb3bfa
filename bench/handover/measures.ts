import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Handover, openHandover } from '@lastcall/handover';

export interface Spread {
  median: number;
  p95: number;
  worst: number;
  count: number;
}

function spread(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { median: at(0.5), p95: at(0.95), worst: at(1), count: sorted.length };
}

/** Events per second that one process makes durable. Every event is read back and counted. */
export async function appendRate(
  url: string,
  { streams, seconds }: { streams: number; seconds: number },
): Promise<{ perSecond: number; events: number }> {
  const handover = await openHandover({ connectionString: url });
  let until = Infinity;
  handover.handle(
    'append',
    async (job) => {
      while (performance.now() < until) {
        for (let n = 1; n < 20; n += 1) void job.emit('token', { text: 'about four', n });
        await job.emit('token', { text: 'about four', n: 20 });
      }
    },
    { concurrency: streams },
  );
  const started = performance.now();
  const ids = await Promise.all(
    Array.from({ length: streams }, () => handover.add('append', null, { here: true })),
  );
  until = started + seconds * 1_000;
  let events = 0;
  while (handover.running > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const tookMs = performance.now() - started;
  for (const id of ids) {
    let last = 0;
    for await (const { seq } of await handover.read(id)) {
      if (seq !== last + 1) throw new Error(`event ${seq} after ${last}`);
      last = seq;
    }
    events += last;
  }
  await handover.close();
  return { perSecond: (events / tookMs) * 1_000, events };
}

/** From the call of `add` to the first line of the handler in another process; one clock for both. */
export async function addToStart(url: string, count: number): Promise<Spread> {
  const child = await startProcess('starter.ts', url);
  const handover = await openHandover({ connectionString: url });
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const began = once(child, 'message') as Promise<[string]>;
    const addedNs = process.hrtime.bigint();
    await handover.add('start', null);
    const [startedNs] = await began;
    times.push(Number(BigInt(startedNs) - addedNs) / 1e6);
  }
  child.kill('SIGTERM');
  await once(child, 'exit');
  await handover.close();
  return spread(times);
}

/** How long readers wait when the worker of their streams goes. */
export async function gaps(
  url: string,
  options: { how: 'drain' | 'kill' | 'report'; rounds: number; streams: number },
): Promise<Spread> {
  const client = await openHandover({ connectionString: url, node: 'reader' });
  const found: number[] = [];
  for (let round = 0; round < options.rounds; round += 1)
    found.push(...(await oneRound(client, url, options)));
  await client.close();
  return spread(found);
}

/** The time between the last event of the old worker and the first of the new one, for each stream. */
async function oneRound(
  client: Handover,
  url: string,
  { how, streams }: { how: 'drain' | 'kill' | 'report'; streams: number },
): Promise<number[]> {
  const old = await startProcess('streamer.ts', url);
  const input = { everyMs: 10 };
  const ids = await Promise.all(Array.from({ length: streams }, () => client.add('stream', input)));
  const begun: Promise<unknown>[] = [];
  const gaps = ids.map(async (id) => {
    const stream = await client.read(id);
    begun.push(stream.next());
    let lastMs = 0;
    for await (const { data } of stream) {
      const nowMs = performance.now();
      if (data !== old.pid) return nowMs - lastMs;
      lastMs = nowMs;
    }
    throw new Error(`stream ${id} ended`);
  });
  const next = await startProcess('streamer.ts', url);
  await Promise.all(begun);
  old.kill(how === 'drain' ? 'SIGTERM' : 'SIGKILL');
  if (old.exitCode === null && old.signalCode === null) await once(old, 'exit');
  if (how === 'report') await client.reportDead({ node: 'bench', pid: old.pid ?? 0 });
  const found = await Promise.all(gaps);
  for (const id of ids) await client.cancel(id);
  next.kill('SIGTERM');
  await once(next, 'exit');
  return found;
}

async function startProcess(file: string, url: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}
