import type { NodeSnapshot, Stop } from '@lastcall/supervisor/client';
import { ask, understand } from '../ask.ts';

/** What a look at the node shows. */
export type Look = NodeSnapshot & { stops: Stop[] };

/** Who is told what is seen. */
export interface Watcher {
  /** Between two looks. */
  everyMs: number;
  see(look: Look): void;
  /** Nobody answers, and why; told once, until somebody answers again. */
  gone(why: string): void;
}

const ANSWER_MS = 5_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Looks at the node behind the control socket until a signal comes, the output is closed, or `end`
 * aborts. A supervisor that is replaced or started again is found again. Throws when there is none
 * at the first look.
 */
export async function follow(
  control: string,
  watcher: Watcher,
  end = new AbortController(),
): Promise<void> {
  const stop = (): void => end.abort();
  for (const signal of SIGNALS) process.on(signal, stop);
  // Whoever reads has had enough: `lastcall watch | head`.
  process.stdout.once('error', stop);
  try {
    await look(control, watcher, end.signal);
    let answered = true;
    while (await pause(watcher.everyMs, end.signal)) {
      try {
        await look(control, watcher, end.signal);
        answered = true;
      } catch (error) {
        if (answered) watcher.gone((error as Error).message);
        answered = false;
      }
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

async function look(control: string, watcher: Watcher, end: AbortSignal): Promise<void> {
  const answer = await ask(control, 'snapshot', ANSWER_MS, end);
  if (answer !== undefined) understand(control, () => watcher.see(answer as Look));
}

/** False when the end came first. */
function pause(ms: number, end: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      end.removeEventListener('abort', stop);
      resolve(true);
    }, ms);
    if (end.aborted) stop();
    else end.addEventListener('abort', stop, { once: true });
  });
}
