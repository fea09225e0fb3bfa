// Monotonic time and waiting with a limit.

/** Milliseconds on the monotonic clock. */
export const nowMs = (): number => performance.now();

/** Runs `then` when the sockets have been polled once more, whatever phase the loop is in. */
export function afterPoll(then: () => void): void {
  setImmediate(() => setImmediate(then));
}

/**
 * Timers run before sockets are read: the turn after the timer lets a FIN that has long arrived be
 * seen, so that a drill that was itself held up does not take a closed connection for an open one.
 */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => setImmediate(resolve), ms);
  });
}

export const late = Symbol('late');

/** The promise's value, or `late` when it is not there within `ms`. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | typeof late> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => {
      resolve(late);
    }, ms);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again every `everyMs` until the answer is truthy; undefined when `ms` have passed. */
export async function until<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  ms: number,
  everyMs = 20,
): Promise<T | undefined> {
  const endMs = nowMs() + ms;
  for (;;) {
    const value = await ask();
    if (value !== undefined) return value;
    if (nowMs() >= endMs) return undefined;
    await sleep(everyMs);
  }
}

/** A small seeded generator (mulberry32), so that a run can be repeated with `--seed`. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
