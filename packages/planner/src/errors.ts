/** Something that the user can put right; the message says how. `exitCode` is the command's. */
export class PlannerError extends Error {
  override readonly name = 'PlannerError';
  readonly code: 'ERR_PLANNER_INPUT' | 'ERR_PLANNER_OPTION';
  readonly exitCode = 2;

  constructor(code: PlannerError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
