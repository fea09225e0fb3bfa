/** Every coded error of the library: code -> what it means. The reference page is held against this table. */
export const ERRORS = {
  ERR_LASTCALL_NODE: 'The Node.js that runs this is too old.',
  ERR_LASTCALL_OPTION: 'An option has the wrong type or value.',
  ERR_LASTCALL_OPTION_UNKNOWN: 'An option that does not exist was given.',
  ERR_LASTCALL_BUDGET: 'Options that cannot work together: the times do not add up.',
  ERR_LASTCALL_STATE: 'The lifecycle was asked for a move that its state does not allow.',
  ERR_LASTCALL_ATTACHED: 'A server was attached twice.',
  ERR_LASTCALL_LISTENING: 'A server was attached after it began to listen.',
  ERR_LASTCALL_SERVER: 'What was attached is not a server that this adapter can drain.',
  ERR_LASTCALL_FRAMEWORK:
    'An application of a framework or version that the adapter does not know.',
  ERR_LASTCALL_DEADLINE: 'The deadline of the stop passed: the work was cancelled.',
  ERR_LASTCALL_FORCED: 'An operator forced the stop: the work was cancelled.',
  ERR_LASTCALL_REVOKED: 'The work was revoked by its owner.',
  ERR_LASTCALL_CLIENT_GONE: 'The client went away before its work was done.',
  ERR_LASTCALL_MOVED: 'The work goes on in another worker of the node, on the same connection.',
  ERR_LASTCALL_HOOK: 'One or more hooks failed while the process was stopping.',
} as const;

const CANCELLED: ReadonlySet<string> = new Set(['ERR_LASTCALL_DEADLINE', 'ERR_LASTCALL_FORCED']);

export type ErrorCode = keyof typeof ERRORS;

/**
 * What web frameworks look for in an error, so that a handler may just throw the reason of its
 * signal. Own fields, not getters: Koa writes to them.
 */
function asHttp({ retryAfterMs = 1_000 }: { retryAfterMs?: number }): Record<string, unknown> {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  const headers = { 'retry-after': String(seconds) };
  return { statusCode: 503, status: 503, expose: true, headers };
}

/** An error with a stable `code`; the facts behind the message are fields. */
export class LastcallError extends Error {
  override readonly name = 'LastcallError';
  readonly code: ErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;
  /** 503 for work that a stop cancelled; unset otherwise. */
  declare readonly statusCode?: number;
  /** For work that a stop cancelled: `Retry-After`. */
  declare readonly headers?: Record<string, string>;

  constructor(
    code: ErrorCode,
    message: string,
    facts: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.facts = facts;
    if (CANCELLED.has(code)) Object.assign(this, asHttp(facts));
  }

  /** The same as a web standard Response; Hono asks for it. */
  getResponse(): Response {
    const { statusCode: status = 500, headers } = this;
    const detail = status === 503 ? this.message : 'Internal Server Error';
    return Response.json({ detail }, { status, ...(headers ? { headers } : {}) });
  }
}
