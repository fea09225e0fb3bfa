import type { Handover, Job, Work } from '@lastcall/handover';
import { type ApiErrorBody, toApiError } from '../http/errors.ts';
import type { GenerateRequest, ModelProvider } from '../model/provider.ts';
import { type Broken, type Finished, generate, type Progress } from '../works/generate.ts';
import { closing, ended, type Ending, type KeptEvent, opening } from './events.ts';
import { responseError, type ResponseObject } from './response.ts';

export const responseKind = 'response';

export interface ResponseInput {
  readonly request: GenerateRequest;
  readonly response: ResponseObject;
  /** Nobody watches it grow: few events will do. */
  readonly unwatched?: boolean;
}

const unwatchedMs = 1_000;

/** A response that failed after its first event ends with that: it is not tried again. */
interface State extends Progress {
  readonly failed?: ApiErrorBody;
}

type ResponseJob = Job<ResponseInput, State>;

/** Leaves those of `events` that no earlier run has left. */
const emitAfter = (job: ResponseJob, have: number, events: KeptEvent[]): void => {
  for (const { type, data } of events.slice(have)) void job.emit(type, data);
};

/** Generates responses in this worker, so many of the queued ones at once. */
export function runResponses(
  handover: Handover,
  provider: ModelProvider,
  concurrency: number,
): void {
  handover.handle<ResponseInput, State>(
    responseKind,
    async (job): Promise<ResponseObject | undefined> => {
      const { request, response, unwatched = false } = job.input;
      const { finish, failed } = job.checkpoint ?? {};
      const begun = (): void => emitAfter(job, job.seq, opening(response));
      const came =
        failed ??
        (await generate(job, provider, request, { begun, everyMs: unwatched ? unwatchedMs : 0 }));
      if (!came) return undefined;
      const ending = endingOf(job, came);
      const final = ended(response, ending);
      // The checkpoint of a text that has ended is its last delta: what stands after it are closing events.
      emitAfter(job, finish || failed ? job.tail.length : 0, closing(final));
      return final;
    },
    { concurrency, leaseKind: 'generation' },
  );
}

function endingOf(job: ResponseJob, came: ApiErrorBody | Finished | Broken): Ending {
  if ('finish' in came) return came;
  if (!('error' in came)) return { text: job.checkpoint?.text ?? '', error: came };
  // Before its first event a refusal fails the work; after it, it is the end of the text.
  if (job.seq === 0) throw came.error;
  const { text, outputTokens } = came;
  const { error } = toApiError(came.error);
  void job.save({ text, outputTokens, failed: error });
  return { text, error };
}

/** A response as it is now. */
export function responseOf(work: Work): ResponseObject {
  const { state, input, result, error, startedAt, cancelReason } = work;
  if (result) return result as ResponseObject;
  const { response } = input as ResponseInput;
  if (state === 'cancelled' || cancelReason !== null) return { ...response, status: 'cancelled' };
  if (state === 'failed')
    return { ...response, status: 'failed', error: responseError(errorOf(error)) };
  return { ...response, status: startedAt ? 'in_progress' : 'queued' };
}

/** The error of a work that failed, as it was kept. */
export const errorOf = (error: unknown): ApiErrorBody & { status?: number } => ({
  type: 'server_error',
  param: null,
  code: 'server_error',
  message: 'The generation failed.',
  ...(error as object | null),
});
