/** Every coded error of the package, with the HTTP status that says the same. */
export const ERRORS = {
  ERR_HANDOVER_OPTION: { status: 500, meaning: 'An option has the wrong type or value.' },
  ERR_HANDOVER_UNKNOWN: { status: 404, meaning: 'There is no work with this id.' },
  ERR_HANDOVER_EXPIRED: { status: 410, meaning: 'The events asked for are no longer kept.' },
  ERR_HANDOVER_PAST_END: { status: 400, meaning: 'The stream has not come that far.' },
  ERR_HANDOVER_TOO_LARGE: { status: 413, meaning: 'A checkpoint or an event is too large.' },
  ERR_HANDOVER_NEWER: { status: 500, meaning: 'The database was migrated by a newer version.' },
  ERR_HANDOVER_FENCED: { status: 409, meaning: 'The work belongs to another worker now.' },
  ERR_HANDOVER_PASSED: { status: 409, meaning: 'The work has been given away by its own worker.' },
  ERR_HANDOVER_CANCELLED: { status: 409, meaning: 'The work was cancelled.' },
  ERR_HANDOVER_ENDED: { status: 409, meaning: 'The work has already ended in this run.' },
  ERR_HANDOVER_DIVERGED: {
    status: 500,
    meaning: 'A run did not repeat the events of the last one.',
  },
  ERR_HANDOVER_DATABASE: { status: 503, meaning: 'The database cannot be reached.' },
  ERR_HANDOVER_CLOSED: { status: 503, meaning: 'This handover is closed.' },
} as const;

export type HandoverErrorCode = keyof typeof ERRORS;

/** An error with a stable `code`, the HTTP `status` for it, and the facts behind the message. */
export class HandoverError extends Error {
  override readonly name = 'HandoverError';
  readonly code: HandoverErrorCode;
  readonly status: number;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: HandoverErrorCode,
    message: string,
    facts: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.status = ERRORS[code].status;
    this.facts = facts;
  }
}

/**
 * Errors of the database that waiting may cure: no connection, starting, shutting down, deadlock,
 * serialization, too many connections.
 */
export function isPassing(error: unknown): boolean {
  // A mistake in the program, whatever words its message has.
  if (error instanceof TypeError || error instanceof RangeError) return false;
  const { code, message } = error as { code?: unknown; message?: string };
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E'))
    return /^(08|53|57P|40|55P03|25006)/.test(code);
  if (typeof code === 'string' && code.startsWith('ERR_HANDOVER')) return false;
  // Of the system and its resolver (EAI_AGAIN); the codes of Node.js begin with ERR_.
  if (typeof code === 'string' && /^E(?!RR_)[A-Z_]+$/.test(code)) return true;
  // node-postgres gives its own errors no code.
  return /connection|timeout|terminated|not queryable/i.test(message ?? '');
}
