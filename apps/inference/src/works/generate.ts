import type { Job } from '@lastcall/handover';
import type {
  GenerateRequest,
  GenerationPart,
  ModelProvider,
  Standing,
} from '../model/provider.ts';

export type Finish = Extract<GenerationPart, { type: 'finish' }>;

/** How far a generation has come: its checkpoint. */
export interface Progress extends Standing {
  /** The text is complete. */
  readonly finish?: Finish;
}

export interface Finished {
  readonly text: string;
  readonly finish: Finish;
}

/** The model failed after `text`. */
export interface Broken {
  readonly text: string;
  readonly outputTokens: number;
  readonly error: unknown;
}

/** The data of an event of type `delta`. */
export interface Delta {
  readonly text: string;
  /** Tokens of the whole text so far. */
  readonly tokens: number;
}

export interface GenerateOptions {
  /** Tokens of this time are put together into one event, in milliseconds. Default 0: an event for each. */
  everyMs?: number;
  /** The model has taken the request. */
  begun?: () => void;
}

/** Events on their way to the database, at most. */
const ahead = 32;

/** What stands: the checkpoint, and the events that a worker which died has written after it. */
export function standingOf({ checkpoint, tail }: Job<unknown, Progress>): Progress {
  const from = checkpoint ?? { text: '', outputTokens: 0 };
  const deltas = tail.filter(({ type }) => type === 'delta').map(({ data }) => data as Delta);
  return {
    ...from,
    text: from.text + deltas.map(({ text }) => text).join(''),
    outputTokens: deltas.at(-1)?.tokens ?? from.outputTokens,
  };
}

/**
 * Generates from where the work stands, with an event for each delta. Resolves to `undefined` when
 * the run was passed on to another worker. Throws when the run has to end.
 */
export async function generate(
  job: Job<unknown, Progress>,
  provider: ModelProvider,
  request: GenerateRequest,
  { everyMs = 0, begun }: GenerateOptions = {},
): Promise<Finished | Broken | undefined> {
  const standing = standingOf(job);
  if (standing.finish) return { text: standing.text, finish: standing.finish };
  let progress: Progress = standing;
  let [unsent, sentMs, saved] = ['', performance.now(), standing.outputTokens];

  const send = async (): Promise<void> => {
    if (unsent === '') return;
    const delta: Delta = { text: unsent, tokens: progress.outputTokens };
    [unsent, sentMs] = ['', performance.now()];
    const written = job.emit('delta', delta);
    if (delta.tokens % ahead === 0) await written;
  };
  const take = async ({ text, state }: { text: string; state?: unknown }): Promise<void> => {
    progress = { text: progress.text + text, outputTokens: progress.outputTokens + 1, state };
    unsent += text;
    if (performance.now() - sentMs >= everyMs) await send();
    // Ever more seldom, because a checkpoint holds the whole text.
    if (progress.outputTokens - saved < Math.max(ahead, progress.outputTokens / 8)) return;
    saved = progress.outputTokens;
    await send();
    await job.save(progress);
  };

  const signal = AbortSignal.any([job.signal, job.leaving]);
  let finish: Finish | undefined;
  try {
    const parts = await provider.start(request, signal, standing);
    begun?.();
    for await (const part of parts) {
      if (part.type === 'delta') await take(part);
      else finish = part;
    }
  } catch (error) {
    await send();
    if (job.signal.aborted) throw error;
    if (!job.leaving.aborted)
      return { text: progress.text, outputTokens: progress.outputTokens, error };
    await job.passOn(progress);
    return undefined;
  }
  await send();
  if (!finish) throw new Error('The model ended without saying how.');
  void job.save({ ...progress, finish });
  return { text: progress.text, finish };
}
