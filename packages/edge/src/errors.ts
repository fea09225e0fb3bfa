/** code -> exit code of the command (2 bad usage or configuration, 1 everything else). */
export const EDGE_EXIT_CODES = {
  ERR_EDGE_USAGE: 2,
  ERR_EDGE_CONFIG: 2,
  ERR_EDGE_SYNTAX: 2,
  ERR_EDGE_UPSTREAM: 2,
  ERR_EDGE_SERVER: 2,
  ERR_EDGE_LAST: 1,
  ERR_EDGE_PROXY: 1,
  ERR_EDGE_MANAGER: 1,
  ERR_EDGE_NODE: 1,
  ERR_EDGE_JOURNAL: 1,
} as const;

export type EdgeErrorCode = keyof typeof EDGE_EXIT_CODES;

/** A failure with a stable code, the facts behind its message, and the exit code of the command. */
export class EdgeError extends Error {
  override readonly name = 'EdgeError';
  readonly code: EdgeErrorCode;
  readonly exitCode: number;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: EdgeErrorCode,
    message: string,
    facts: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.exitCode = EDGE_EXIT_CODES[code];
    this.facts = facts;
  }
}
