import type { Work } from '@lastcall/handover';
import { statusOf } from './store.ts';
import type { TaskInput, TaskResult } from './work.ts';

/** A task as clients see it. */
export function taskView(work: Work) {
  const { request, client } = work.input as TaskInput;
  const result = work.result as TaskResult | null;
  const status = statusOf(work);
  // The run that goes on or has ended well counts as well; a shutdown is not charged.
  const current =
    status === 'running' || status === 'done' || (status === 'revoked' && work.startedAt) ? 1 : 0;
  return {
    object: 'task',
    id: work.id,
    status,
    client,
    attempts: work.attempts + work.losses + current,
    model: request.model,
    seed: request.seed,
    input: request.messages.map(({ text }) => text).join('\n'),
    output_text: result?.output ?? null,
    usage: result?.usage ?? null,
    error: status === 'failed' ? work.error : null,
    created_at: work.createdAt,
    started_at: work.startedAt,
    finished_at: work.endedAt,
  };
}
