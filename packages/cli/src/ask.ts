import { send, SupervisorError } from '@lastcall/supervisor/client';

const failed = (message: string, cause?: unknown): SupervisorError =>
  new SupervisorError('ERR_SUPERVISOR_CONTROL', message, cause === undefined ? {} : { cause });

/**
 * Asks a supervisor for what it answers at once. Undefined when `end` aborts first. Throws
 * `ERR_SUPERVISOR_CONTROL` when it says nothing for `limitMs`: one that is stopped or hangs accepts all
 * the same.
 */
export async function ask(
  control: string,
  verb: string,
  limitMs: number,
  end?: AbortSignal,
): Promise<unknown> {
  if (end?.aborted) return undefined;
  const enough = new AbortController();
  const stop = (): void => enough.abort();
  const timer = setTimeout(stop, limitMs);
  end?.addEventListener('abort', stop, { once: true });
  try {
    const answer = await send(control, { verb, args: {} }, undefined, enough.signal);
    if (answer !== undefined || end?.aborted) return answer;
  } finally {
    clearTimeout(timer);
    end?.removeEventListener('abort', stop);
  }
  throw failed(
    `The supervisor on ${control} has not answered for ${limitMs / 1_000} s. Look whether it is stopped or hangs.`,
  );
}

/** Uses an answer; that of another version may lack what this one relies on. */
export function understand<T>(control: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw failed(
      `What answers on ${control} is not understood: it is a supervisor of another version, or none. --json shows its answer as it came.`,
      cause,
    );
  }
}
