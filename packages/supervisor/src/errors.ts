/** A failure with a stable code and the exit code it ends the command with. */
export class SupervisorError extends Error {
  override readonly name = 'SupervisorError';
  readonly code: SupervisorErrorCode;
  readonly exitCode: number;

  constructor(code: SupervisorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.exitCode = EXIT_CODES[code];
  }
}

/** code -> exit code (2 bad usage or configuration, 1 everything else). */
export const EXIT_CODES = {
  ERR_SUPERVISOR_CONFIG: 2,
  ERR_SUPERVISOR_ENTRY: 2,
  ERR_SUPERVISOR_ADDRESS: 2,
  ERR_SUPERVISOR_RUNNING: 2,
  ERR_SUPERVISOR_NOT_RUNNING: 1,
  ERR_SUPERVISOR_CONTROL: 1,
  ERR_SUPERVISOR_BOOT: 5,
} as const;

export type SupervisorErrorCode = keyof typeof EXIT_CODES;
