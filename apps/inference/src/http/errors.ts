import type { FastifyError, FastifyReply } from 'fastify';
import { HandoverError } from '@lastcall/handover';
import { LastcallError } from 'lastcall';
import { ZodError } from 'zod';
import { ModelError } from '../model/provider.ts';

/** The OpenAI error object. */
export interface ApiErrorBody {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
  /** The earliest event that is still kept; with `events_expired`. */
  readonly earliest?: number;
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

type Issue = ZodError['issues'][number];

/** What is wrong, deepest first: of the forms a value may have, the one that it came closest to. */
function closest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors
    .flatMap((errors) => errors.slice(0, 1))
    .map((error) => closest({ ...error, path: [...issue.path, ...error.path] }))
    .toSorted((one, other) => other.path.length - one.path.length)[0];
  return inner && inner.path.length > issue.path.length ? inner : issue;
}

/** `param` is the path to the field (`input.0.role`); null when it is the body itself. */
function invalid(error: ZodError): ApiError {
  const issue = error.issues[0] && closest(error.issues[0]);
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const param = [...(issue?.path ?? []), ...unknown].join('.') || null;
  const place = param ?? 'The body';
  return unknown.length > 0
    ? apiError(400, 'unknown_parameter', `${place}: not a supported parameter; leave it out`, {
        param,
      })
    : apiError(400, 'invalid_value', `${place}: ${issue?.message ?? 'not valid'}`, { param });
}

const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Connection lost, server starting or stopping, too many connections: cures itself. */
export function isDatabaseAway(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return (
    /^(08|57P0|53)/.test(code) ||
    awayCodes.has(code) ||
    /Connection terminated|not queryable|timeout exceeded when trying to connect|Query read timeout/.test(
      message,
    )
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

const databaseAway = apiError(
  503,
  'database_unavailable',
  'The database cannot be reached. Try again soon.',
  { retryAfter: '1' },
);

/** Events are numbered from 1 in the handover and from 0 in the OpenAI API. */
function ofHandover({ code, status, facts, message }: HandoverError): ApiError {
  const id = String(facts['id']);
  switch (code) {
    case 'ERR_HANDOVER_UNKNOWN':
      return apiError(404, 'not_found', `There is no '${id}'.`, { param: 'id' });
    case 'ERR_HANDOVER_EXPIRED': {
      const earliest = Number(facts['earliest']) - 1;
      const told = `'${id}': these events are no longer kept; the earliest one kept is ${earliest}.`;
      const { error, ...rest } = apiError(410, 'events_expired', told, { param: 'starting_after' });
      return { ...rest, error: { ...error, earliest } };
    }
    case 'ERR_HANDOVER_PAST_END':
      return apiError(
        400,
        'starting_after_past_end',
        `'${id}' has not come so far: its last event is ${Number(facts['last']) - 1}. Give the number of an event that you have.`,
        { param: 'starting_after' },
      );
    default:
      return status === 503 ? databaseAway : apiError(status, 'server_error', message);
  }
}

/** Any error as the client is told it. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ZodError) return invalid(error);
  if (error instanceof ModelError)
    return apiError(error.status, error.code, error.message, {
      param: error.param,
      retryAfter: error.retryAfter,
    });
  if (error instanceof LastcallError) return shuttingDown;
  if (error instanceof HandoverError) return ofHandover(error);
  if (isDatabaseAway(error)) return databaseAway;
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
