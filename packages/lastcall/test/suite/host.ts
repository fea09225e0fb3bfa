// What the server fixtures of the suite share. The suite reads what is printed here.
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLifecycle, type Lease, type Lifecycle } from 'lastcall';

const { env } = process;

/** The one large answer: 32 MiB. */
export const LARGE_BYTES = 32 * 1024 * 1024;

export interface Host {
  lifecycle: Lifecycle;
  /** The server listens: the lifecycle is ready, and the suite is told the port. */
  listening: (port: number) => void;
}

/** Makes the lifecycle of a fixture, with signals handled and its states printed. */
export function hostLifecycle(): Host {
  const lifecycle = createLifecycle({
    graceMs: Number(env.GRACE_MS ?? 10_000),
    forceMs: Number(env.FORCE_MS ?? 1_000),
  });
  lifecycle.events.on('state', ({ to }) => console.log(`state ${to}`));
  if (env.ENDS_BY_ITSELF) lifecycle.handleSignals({ exit: endByItself });
  else lifecycle.handleSignals();
  return {
    lifecycle,
    listening(port) {
      lifecycle.ready();
      console.log(`listening ${port}`);
    },
  };
}

/** Leaves the end to the event loop: what keeps it alive from here on is a leak, and is printed. */
export function endByItself(code: number): void {
  process.exitCode = code;
  if (process.connected) process.disconnect();
  setTimeout(
    () => console.log(`still alive ${process.getActiveResourcesInfo().join()}`),
    5_000,
  ).unref();
}

/** What a fixture passes to its adapter. */
export const attachOptions = env.CURRENT_LEASE ? { currentLease: true } : {};

/** Lets the test make the application close itself. */
export function closeOnMessage(close: () => unknown): void {
  process.on('message', (message) => {
    if (message !== 'close') return;
    console.log('closing itself');
    void Promise.resolve(close()).then(() => console.log('closed itself'));
  });
}

export const working = (): void => console.log('working');

/** Prints why the work was asked to stop. */
export function hanging(lease: Lease | undefined): void {
  console.log('hanging');
  const signal = lease?.signal;
  signal?.addEventListener('abort', () =>
    console.log(`aborted ${(signal.reason as { code: string }).code}`),
  );
}

/** Throws the reason of its signal when that aborts, as a fetch with that signal would. */
export async function obedient(lease: Lease | undefined): Promise<never> {
  hanging(lease);
  await sleep(1_000_000, undefined, lease ? { signal: lease.signal } : {}).catch(() => undefined);
  throw lease?.signal.reason;
}

/** Whether the current lease is this one, also after a wait. */
export async function isCurrent(
  lease: Lease | undefined,
  current: () => Lease | undefined,
): Promise<string> {
  const before = current();
  await sleep(1);
  return lease !== undefined && before === lease && current() === lease ? 'found' : 'not found';
}

/** The answer of `/slow`. */
export async function slow(ms: number): Promise<string> {
  working();
  await sleep(ms);
  return 'slow';
}

export const large = (): Buffer => {
  working();
  return Buffer.alloc(LARGE_BYTES, 'x');
};

/** The events of `/stream`. */
export async function* events(ms: number): AsyncGenerator<string> {
  working();
  for (let i = 0; i < 10; i += 1) {
    yield `id: ${i}\ndata: ${i}\n\n`;
    await sleep(ms / 10);
  }
  yield 'data: done\n\n';
}

/** The events of `/polite`. */
export async function* politeEvents(lease: Lease | undefined): AsyncGenerator<string> {
  console.log('polite');
  yield 'data: begun\n\n';
  await new Promise<void>((resolve) => {
    if (lease?.signal.aborted) resolve();
    lease?.signal.addEventListener('abort', () => resolve());
  });
  yield 'data: final\n\n';
}

export const eventStream = (source: AsyncIterable<string>): Readable => Readable.from(source);

/** The answer of `/upload`. */
export async function countBytes(body: AsyncIterable<Uint8Array>): Promise<string> {
  working();
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.byteLength;
  return String(bytes);
}

/** The duration in a work's name: `/slow?ms=400`. */
export const msOf = (url: string | undefined): number =>
  Number(new URL(url ?? '/', 'http://localhost').searchParams.get('ms') ?? 200);
