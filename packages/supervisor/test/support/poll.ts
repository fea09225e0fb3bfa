import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_MS = 20_000;

/** Waits until something in another process is so that tells no event to this one. */
export async function poll(check: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + LIMIT_MS;
  while (!(await check())) {
    if (performance.now() > untilMs)
      throw new Error(`not so within ${LIMIT_MS} ms: ${String(check)}`);
    await sleep(20);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
