/** A bad use of a command; the message says the option, what was expected, and what came. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode = 2;
}
