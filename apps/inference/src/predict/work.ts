import type { Handover, Work } from '@lastcall/handover';
import type { GenerateRequest, ModelProvider } from '../model/provider.ts';
import { generate, type Progress } from '../works/generate.ts';

export const predictionKind = 'prediction';
/** Nobody watches a prediction grow: few events will do. */
const eventEveryMs = 1_000;

interface PredictionResult {
  readonly output: string;
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
}

/** Makes predictions in this worker. */
export function runPredictions(
  handover: Handover,
  provider: ModelProvider,
  concurrency: number,
): void {
  handover.handle<GenerateRequest, Progress>(
    predictionKind,
    async (job): Promise<PredictionResult | undefined> => {
      const done = await generate(job, provider, job.input, { everyMs: eventEveryMs });
      if (!done) return undefined;
      if ('error' in done) throw done.error;
      const { inputTokens, outputTokens } = done.finish;
      return {
        output: done.text,
        usage: { input_tokens: inputTokens, output_tokens: outputTokens },
      };
    },
    { concurrency, leaseKind: 'generation' },
  );
}

const statuses = {
  waiting: 'in_progress',
  running: 'in_progress',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
} as const;

/** A prediction as clients see it. */
export function predictionView(work: Work) {
  const { model, seed } = work.input as GenerateRequest;
  const result = work.result as PredictionResult | null;
  return {
    object: 'prediction',
    id: work.id,
    status: statuses[work.state],
    model,
    seed,
    output_text: result?.output ?? null,
    usage: result?.usage ?? null,
    error: work.state === 'failed' ? work.error : null,
  };
}
