/** Every coded error of the library: code -> what it means. The reference page is held against this table. */
export const ERRORS = {
  ERR_LASTCALL_OPTION: 'An option has the wrong type or value.',
  ERR_LASTCALL_OPTION_UNKNOWN: 'An option that does not exist was given.',
  ERR_LASTCALL_BUDGET: 'Options that cannot work together: the times do not add up.',
  ERR_LASTCALL_STATE: 'The lifecycle was asked for a move that its state does not allow.',
  ERR_LASTCALL_ATTACHED: 'A server was attached twice.',
  ERR_LASTCALL_LISTENING: 'A server was attached after it began to listen.',
  ERR_LASTCALL_SERVER: 'What was attached is not a server that this adapter can drain.',
  ERR_LASTCALL_DEADLINE: 'The deadline of the stop passed: the work was cancelled.',
  ERR_LASTCALL_FORCED: 'An operator forced the stop: the work was cancelled.',
  ERR_LASTCALL_REVOKED: 'The work was revoked by its owner.',
  ERR_LASTCALL_CLIENT_GONE: 'The client went away before its work was done.',
  ERR_LASTCALL_HOOK: 'One or more hooks failed while the process was stopping.',
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a stable `code`; the facts behind the message are fields. */
export class LastcallError extends Error {
  override readonly name = 'LastcallError';
  readonly code: ErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    facts: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.facts = facts;
  }
}
