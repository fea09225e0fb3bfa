import type { Handover } from '@lastcall/handover';
import type { GenerateRequest, ModelProvider } from '../model/provider.ts';
import { generate, type Progress } from '../works/generate.ts';

export const taskKind = 'task';
const progressEveryMs = 250;

export interface TaskInput {
  readonly request: GenerateRequest;
  readonly client: string | null;
}

export interface TaskResult {
  readonly output: string;
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
}

/** Runs tasks in this worker, and writes down what they cost: once for each, whoever ran it. */
export function runTasks(handover: Handover, provider: ModelProvider, concurrency: number): void {
  handover.handle<TaskInput, Progress>(
    taskKind,
    async (job): Promise<TaskResult | undefined> => {
      const { request, client } = job.input;
      if (job.seq === 0) void job.emit('running');
      const done = await generate(job, provider, request, { everyMs: progressEveryMs });
      if (!done) return undefined;
      if ('error' in done) throw done.error;
      const { inputTokens, outputTokens } = done.finish;
      void job.effect('usage', 'usage', { task: job.id, client, tokens: outputTokens });
      return {
        output: done.text,
        usage: { input_tokens: inputTokens, output_tokens: outputTokens },
      };
    },
    { concurrency, leaseKind: 'task' },
  );
  handover.onEffect('usage', async ({ payload }, client) => {
    const { task, client: owner, tokens } = payload as Record<string, unknown>;
    await client.query('insert into inference.usage (task, client, tokens) values ($1, $2, $3)', [
      task,
      owner,
      tokens,
    ]);
  });
}
