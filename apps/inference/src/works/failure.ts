import type { Work } from '@lastcall/handover';
import { type ApiError, type ApiErrorBody, apiError } from '../http/errors.ts';

interface Kept extends Partial<ApiErrorBody> {
  readonly status?: number;
  readonly retryAfter?: string | null;
}

/** The failure of a work as its client is told it, with the status that the model gave it. */
export function failureOf({ error }: Work): ApiError {
  const { status = 500, code, message, param, retryAfter } = (error ?? {}) as Kept;
  return apiError(status, code ?? 'server_error', message ?? 'The generation failed.', {
    param: param ?? null,
    retryAfter: retryAfter ?? undefined,
  });
}
