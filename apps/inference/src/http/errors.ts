import type { FastifyError, FastifyReply } from 'fastify';
import { LastcallError } from 'lastcall';
import { ZodError } from 'zod';
import { ModelError } from '../model/provider.ts';

/** The OpenAI error object. */
export interface ApiErrorBody {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

export interface ApiError {
  readonly status: number;
  readonly error: ApiErrorBody;
  readonly retryAfter?: string | undefined;
}

const typeOf = (status: number): string =>
  status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error';

export function apiError(
  status: number,
  code: string,
  message: string,
  { param = null, retryAfter }: { param?: string | null; retryAfter?: string | undefined } = {},
): ApiError {
  return { status, retryAfter, error: { message, type: typeOf(status), param, code } };
}

/** What a client is told whose answer was cut by the deadline of a shutdown. */
export const shuttingDown = apiError(
  503,
  'server_shutting_down',
  'The server is shutting down and had to stop before this answer was complete. Send the request again: another instance will answer it.',
  { retryAfter: '1' },
);

/** `input.0.role` and so on; the body itself has no name. */
function invalid(error: ZodError): ApiError {
  const issue = error.issues[0];
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].join('.');
  const message =
    unknown === undefined
      ? `${path || 'The body'}: ${issue?.message ?? 'not valid'}`
      : `${path}: this parameter is not supported; leave it out`;
  return apiError(400, unknown === undefined ? 'invalid_value' : 'unknown_parameter', message, {
    param: path || null,
  });
}

/** Connection lost, server starting or stopping, too many connections: cures itself. */
function isDatabaseAway(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return (
    /^(08|57P0|53)/.test(code) ||
    ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE'].includes(code) ||
    /Connection terminated|timeout exceeded when trying to connect/.test(message)
  );
}

/** What Fastify refuses before a handler sees it. */
const bodyErrors: Record<string, [status: number, code: string, message: string]> = {
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'invalid_json', 'The body is not valid JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'invalid_json', 'The body is empty: expected a JSON object.'],
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'The body is larger than 1 MiB.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    415,
    'unsupported_media_type',
    'Expected a JSON body: send it with the header content-type: application/json.',
  ],
};

/** Any error as the client is told it. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ZodError) return invalid(error);
  if (error instanceof ModelError)
    return apiError(error.status, error.code, error.message, {
      param: error.param,
      retryAfter: error.retryAfter,
    });
  if (error instanceof LastcallError) return shuttingDown;
  if (isDatabaseAway(error))
    return apiError(
      503,
      'database_unavailable',
      'The database cannot be reached. Try again soon.',
      {
        retryAfter: '1',
      },
    );
  const { statusCode, code = '', message = '' } = error as Partial<FastifyError>;
  const known = bodyErrors[code];
  if (known) return apiError(...known);
  if (statusCode !== undefined && statusCode < 500)
    return apiError(statusCode, 'invalid_request', message);
  return apiError(500, 'server_error', 'The server failed to answer. The reason is in its log.');
}

export function sendError(reply: FastifyReply, { status, error, retryAfter }: ApiError) {
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
  return reply.code(status).send({ error });
}
